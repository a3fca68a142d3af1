//! Getting images: there already, built once, not to be had.

use std::sync::Mutex;

use outhaul_docker::{ErrorKind, ImageRef, LogSink, NoLog};
use outhaul_testkit::dockerd::{Image, Registry};

use crate::bench::Bench;

#[derive(Default)]
struct Kept(Mutex<String>);

impl LogSink for Kept {
    fn line(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push_str(&String::from_utf8_lossy(bytes));
    }
}

impl Kept {
    fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_there_is_used_as_it_is() {
    let Some(bench) = Bench::new() else { return };
    let image = ImageRef::Name(bench.dockerd.image(Image::Busybox));
    let log = Kept::default();
    let id = bench.engine.ensure_image(&image, &log).await.unwrap();
    assert!(id.starts_with("sha256:"), "{id}");
    assert_eq!(log.text(), "");
    assert_eq!(
        bench
            .engine
            .ensure_image(&ImageRef::Name(id.clone()), &log)
            .await
            .unwrap(),
        id
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_that_is_not_there_is_pulled_once() {
    let Some(bench) = Bench::new() else { return };
    let Some(registry) = Registry::start() else { return };
    let image = ImageRef::Name(registry.publish(bench.dockerd, Image::Busybox));
    let log = Kept::default();
    let (one, two) = tokio::join!(
        bench.engine.ensure_image(&image, &log),
        bench.engine.ensure_image(&image, &log)
    );
    assert_eq!(one.unwrap(), two.unwrap());
    let said = log.text();
    assert_eq!(said.matches("pulling the image").count(), 1, "{said}");
    assert!(said.contains("Status: "), "{said}");
    let mut request = bench.stage(Image::Busybox, "echo pulled", &[]);
    request.image = image;
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await, (0, false));

    let ImageRef::Name(name) = &request.image else {
        unreachable!()
    };
    let unknown = ImageRef::Name(name.replace("busybox:1", "unknown:1"));
    let error = bench.engine.ensure_image(&unknown, &NoLog).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(
        error.hint.as_ref().unwrap().contains("look at the name"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dockerfile_is_built_once_and_runs() {
    let Some(bench) = Bench::new() else { return };
    let base = bench.dockerd.image(Image::Busybox);
    // Its own words in the text, so that nothing comes from an earlier test's cache.
    let mark = bench.engine.home().to_owned();
    let image = ImageRef::Dockerfile(format!(
        "FROM {base}\nRUN echo built {mark} && echo {mark} > /made\nENTRYPOINT [\"false\"]\nCMD [\"false\"]\nENV A=image\n"
    ));
    let log = Kept::default();
    let (one, two) = tokio::join!(
        bench.engine.ensure_image(&image, &log),
        bench.engine.ensure_image(&image, &log)
    );
    let id = one.unwrap();
    assert_eq!(two.unwrap(), id);
    let said = log.text();
    assert_eq!(said.matches(&format!("\nbuilt {mark}\n")).count(), 1, "{said}");
    assert!(said.contains("Step 1/"), "{said}");
    let again = Kept::default();
    assert_eq!(bench.engine.ensure_image(&image, &again).await.unwrap(), id);
    assert_eq!(again.text(), "");

    let mut request = bench.stage(Image::Busybox, "cat /made; echo $A", &[]);
    request.image = image.clone();
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await, (0, false));
    assert_eq!(bench.read(&request.run_key, "stdout"), format!("{mark}\nimage\n"));

    let name = image.name(bench.engine.home());
    assert_eq!(
        bench.engine.leftovers().await.unwrap().images,
        std::slice::from_ref(&name)
    );
    let removed = bench.engine.remove_leftovers().await.unwrap();
    assert_eq!(removed.images, [name]);
    assert!(bench.engine.leftovers().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_build_tells_its_last_lines() {
    let Some(bench) = Bench::new() else { return };
    let base = bench.dockerd.image(Image::Busybox);
    let mark = bench.engine.home();
    for (text, message, hint) in [
        (
            format!("FROM {base}\nRUN echo why {mark}; exit 7\n"),
            format!("why {mark}"),
            "correct",
        ),
        (
            format!("FROM {base}\nCOPY requirements.txt /\n"),
            "COPY".to_owned(),
            "without files beside it",
        ),
        (
            "FROM 127.0.0.1:1/nowhere:1\n".to_owned(),
            "127.0.0.1:1".to_owned(),
            "after FROM",
        ),
        ("NONSENSE\n".to_owned(), "NONSENSE".to_owned(), "correct"),
    ] {
        let image = ImageRef::Dockerfile(text);
        let error = bench.engine.ensure_image(&image, &NoLog).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
        assert!(!error.is_temporary());
        assert!(error.message.contains(&message), "{error}");
        assert!(error.hint.as_ref().unwrap().contains(hint), "{error:?}");
    }
    assert!(
        bench.engine.leftovers().await.unwrap().is_empty(),
        "a failed build leaves nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_image_is_named() {
    let Some(bench) = Bench::new() else { return };
    // Nobody listens there.
    let name = "127.0.0.1:1/nowhere:1";
    let log = Kept::default();
    let error = bench
        .engine
        .ensure_image(&ImageRef::Name(name.into()), &log)
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(error.message.contains(&format!("`{name}`")), "{error}");
    assert!(error.hint.as_ref().unwrap().contains("docker load"), "{error:?}");
    assert!(log.text().contains(name));

    let mut request = bench.stage(Image::Busybox, "true", &[]);
    request.image = ImageRef::Name(name.into());
    let error = bench.engine.start(&request).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
    assert!(error.message.contains(&format!("`{name}`")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_shell_is_told() {
    let Some(bench) = Bench::new() else { return };
    let image = ImageRef::Dockerfile("FROM scratch\nENV A=b\n".into());
    bench.engine.ensure_image(&image, &NoLog).await.unwrap();
    let mut request = bench.stage(Image::Busybox, "true", &[]);
    request.image = image;
    // The engine starts its own init, which then finds no shell.
    bench.engine.start(&request).await.unwrap();
    assert_eq!(bench.ended(&request.run_key).await, (127, false));
    assert!(!bench.dir(&request.run_key).join("claim").exists());
    let error = bench.engine.why_unclaimed(&request.run_key).await.unwrap();
    assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
    assert!(error.message.contains("`sh`"), "{error}");
}
