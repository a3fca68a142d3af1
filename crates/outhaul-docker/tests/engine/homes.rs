//! Two homes on one engine.

use std::time::Duration;

use outhaul_docker::{Cancelled, ContainerState, ErrorKind, ImageRef, NoLog};
use outhaul_testkit::dockerd::Image;

use crate::bench::{Bench, engine};

#[tokio::test(flavor = "multi_thread")]
async fn one_home_neither_sees_nor_touches_the_others() {
    let Some(bench) = Bench::new() else { return };
    let other = engine(bench.dockerd);
    let request = bench.stage(Image::Busybox, "echo ready; while :; do sleep 1; done", &[]);
    let key = &request.run_key;
    bench.engine.start(&request).await.unwrap();
    bench.until_holds(key, "stdout", "ready").await;
    let image = ImageRef::Dockerfile(format!("FROM {}\nENV A=b\n", bench.dockerd.image(Image::Busybox)));
    bench.engine.ensure_image(&image, &NoLog).await.unwrap();

    assert_eq!(other.find(key).await.unwrap(), None);
    assert_eq!(
        other.observe(std::slice::from_ref(key)).await.unwrap()[key],
        ContainerState::Missing
    );
    assert_eq!(
        other.cancel(key, Duration::ZERO).await.unwrap(),
        Cancelled::NothingRuns
    );
    assert!(!other.prevent(key).await.unwrap());
    other.remove(key).await.unwrap();
    assert!(other.remove_leftovers().await.unwrap().is_empty());
    assert_eq!(other.start(&request).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(bench.state(key).await, ContainerState::Running);

    // The same text is another image, made of the same layers; the one that leaves takes only its own.
    other.ensure_image(&image, &NoLog).await.unwrap();
    assert_eq!(
        other.remove_leftovers().await.unwrap().images,
        [image.name(other.home())]
    );
    let left = bench.engine.leftovers().await.unwrap();
    assert_eq!(left.images, [image.name(bench.engine.home())]);
    assert_eq!(left.containers, [format!("outhaul-{key}")]);
    assert_eq!(bench.engine.remove_leftovers().await.unwrap(), left);
    assert_eq!(bench.state(key).await, ContainerState::Missing);
}
