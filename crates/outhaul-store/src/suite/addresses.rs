//! The address book: one address for each Azure resource id, whatever its case.

use std::sync::Arc;

use outhaul_types::target::ResourceAddress;

use crate::Store;

fn entry(resource_id: &str, address: &str) -> ResourceAddress {
    ResourceAddress {
        resource_id: resource_id.into(),
        address: address.into(),
    }
}

/// The last entry counts, in its own case.
pub async fn case_does_not_matter(store: Arc<dyn Store>) {
    let ids = [
        "/subscriptions/S/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm",
        "/SUBSCRIPTIONS/s/resourcegroups/G/providers/microsoft.compute/virtualmachines/VM",
    ];
    assert_eq!(store.addresses().await.unwrap(), []);
    assert_eq!(store.address(ids[0]).await.unwrap(), None);
    for (id, address) in [(ids[0], "10.0.0.5"), (ids[1], "vm.example:2222"), (ids[0], "h")] {
        let put = entry(id, address);
        store.put_address(put.clone()).await.unwrap();
        for asked in ids {
            assert_eq!(store.address(asked).await.unwrap().as_ref(), Some(&put));
        }
        assert_eq!(store.addresses().await.unwrap(), [put]);
    }
}

/// Azure folds no other letters, and so two resources are never taken for one.
pub async fn only_the_case_of_ascii_letters_is_ignored(store: Arc<dyn Store>) {
    let ids = ["/vm-ä", "/vm-Ä", "/vm_", "/vm%", "/vm", "/vm\0a", "/vm\0b", ""];
    for id in ids {
        store.put_address(entry(id, id)).await.unwrap();
    }
    for id in ids {
        assert_eq!(store.address(id).await.unwrap(), Some(entry(id, id)), "{id:?}");
    }
    assert_eq!(store.addresses().await.unwrap().len(), ids.len());
    assert_eq!(
        store.address("/VM-ä").await.unwrap(),
        Some(entry("/vm-ä", "/vm-ä"))
    );
}

/// Without regard to case there too.
pub async fn they_are_sorted_by_resource_id(store: Arc<dyn Store>) {
    for id in ["/b", "/C", "/a", "/B/x", "/a/"] {
        store.put_address(entry(id, "h")).await.unwrap();
    }
    let all = store.addresses().await.unwrap();
    let ids: Vec<_> = all.iter().map(|one| one.resource_id.as_str()).collect();
    assert_eq!(ids, ["/a", "/a/", "/b", "/B/x", "/C"]);
}

/// In any case of the id, and of no other resource.
pub async fn removing_tells_whether_there_was_one(store: Arc<dyn Store>) {
    for id in ["/A", "/B"] {
        store.put_address(entry(id, "h")).await.unwrap();
    }
    for (id, was_there) in [("/c", false), ("/a", true), ("/a", false), ("/A", false)] {
        assert_eq!(store.remove_address(id).await.unwrap(), was_there, "{id}");
    }
    assert_eq!(store.addresses().await.unwrap(), [entry("/B", "h")]);
    store.put_address(entry("/a", "again")).await.unwrap();
    assert_eq!(store.address("/A").await.unwrap(), Some(entry("/a", "again")));
}
