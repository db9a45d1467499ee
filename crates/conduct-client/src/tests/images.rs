//! Images from a registry that wants a token, and then without it from the cache.

use conduct_model::Digest;

use super::run;
use crate::fake::Fake;
use crate::registry::{ImageCache, ImageName, Pull, Pulled, Wanted};
use crate::{Credentials, Passed};

const CONFIG: &str = "{\"architecture\":\"amd64\",\"os\":\"linux\"}";
const LAYER: &str = "a layer";

struct Image {
    list: String,
    manifest: String,
}

fn image() -> Image {
    let pointer = |kind: &str, text: &str| {
        let digest = Digest::of(text.as_bytes());
        format!(
            "\"mediaType\":\"{kind}\",\"digest\":\"sha256:{digest}\",\"size\":{}",
            text.len()
        )
    };
    let manifest = format!(
        "{{\"schemaVersion\":2,\"config\":{{{}}},\"layers\":[{{{1}}},{{{1}}}]}}",
        pointer("application/vnd.oci.image.config.v1+json", CONFIG),
        pointer("application/vnd.oci.image.layer.v1.tar", LAYER),
    );
    let arm = pointer("application/vnd.oci.image.manifest.v1+json", "other");
    let amd = pointer("application/vnd.oci.image.manifest.v1+json", &manifest);
    let list = format!(
        "{{\"manifests\":[{{{arm},\"platform\":{{\"os\":\"linux\",\"architecture\":\"arm64\"}}}},\
         {{{amd},\"platform\":{{\"os\":\"linux\",\"architecture\":\"amd64\"}}}}]}}"
    );
    Image { list, manifest }
}

fn script(image: &Image, layer: &str) -> String {
    let digest = |text: &str| Digest::of(text.as_bytes());
    format!(
        "> GET /v2/team/feed/manifests/4.2\n\
         < 401 text/plain www-authenticate=Bearer%20realm=\"http://127.0.0.1:1/token\"\n\
         < 200 application/vnd.oci.image.index.v1+json\n{}\n\
         > GET /v2/team/feed/manifests/sha256:{}\n\
         < 200 application/vnd.oci.image.manifest.v1+json\n{}\n\
         > GET /v2/team/feed/blobs/sha256:{}\n< 200 application/octet-stream\n{CONFIG}\n\
         > GET /v2/team/feed/blobs/sha256:{}\n< 200 application/octet-stream\n{layer}\n",
        image.list,
        digest(&image.manifest),
        image.manifest,
        digest(CONFIG),
        digest(LAYER),
    )
}

fn wanted(architecture: &str) -> Wanted {
    Wanted {
        os: "linux".to_owned(),
        architecture: architecture.to_owned(),
        variant: None,
    }
}

fn named(fake: &Fake) -> ImageName {
    let text = format!("{}/team/feed:4.2", fake.address());
    text.parse().expect("a name")
}

#[test]
fn an_image_is_fetched_once_with_a_token_and_is_there_offline() {
    let image = image();
    let tokens = Fake::new(
        "> GET /token?service=here&scope=repository%3Ateam%2Ffeed%3Apull\n\
         < 200 application/json\n{\"token\": \"t0ken\"}",
    );
    let challenge = format!(
        "Bearer%20realm=\"http://{}/token\",service=\"here\",scope=\"repository:team/feed:pull\"",
        tokens.address()
    );
    let text =
        script(&image, LAYER).replace("Bearer%20realm=\"http://127.0.0.1:1/token\"", &challenge);
    let fake = Fake::new(&text);
    let folder = tempfile::tempdir().expect("a folder");
    let (name, cache) = (named(&fake), ImageCache::new(folder.path().join("cache")));
    let credentials = Credentials {
        username: "me".to_owned(),
        password: "secret".to_owned(),
    };
    let pull = Pull::new(&name, &cache, Some(credentials)).expect("ready");
    let (mut total, passed) = (0, Passed::default());
    let pulled = run(pull.run(&wanted("amd64"), |bytes| total = bytes, &passed)).expect("fetched");
    assert_eq!(pulled.digest, Digest::of(image.manifest.as_bytes()));
    assert_eq!(passed.bytes(), (CONFIG.len() + LAYER.len()) as u64);
    assert_eq!(
        tokens.seen()[0].headers["authorization"],
        "Basic bWU6c2VjcmV0"
    );
    let asked = fake.seen();
    assert_eq!(
        asked.len(),
        5,
        "a layer that is there twice comes once: {asked:?}"
    );
    assert!(
        asked[1..]
            .iter()
            .all(|it| it.headers["authorization"] == "Bearer t0ken")
    );

    let layout = folder.path().join("layout");
    pulled.lay_out(&cache, &layout).expect("laid out");
    let blob = layout
        .join("blobs/sha256")
        .join(Digest::of(LAYER.as_bytes()).to_string());
    assert_eq!(std::fs::read(blob).expect("there"), LAYER.as_bytes());
    assert_eq!(
        Pulled::kept(&name, &wanted("amd64"), &cache).expect("kept"),
        pulled
    );
    let other = Pulled::kept(&name, &wanted("arm64"), &cache).expect_err("not fetched");
    assert!(other.to_string().contains("never fetched"), "{other}");
}

#[test]
fn a_layer_that_is_something_else_is_refused_and_not_kept() {
    let text = script(&image(), "a lAyer").replace(
        "< 401 text/plain www-authenticate=Bearer%20realm=\"http://127.0.0.1:1/token\"\n",
        "",
    );
    let fake = Fake::new(&text);
    let folder = tempfile::tempdir().expect("a folder");
    let (name, cache) = (named(&fake), ImageCache::new(folder.path()));
    let pull = Pull::new(&name, &cache, None).expect("ready");
    let error = run(pull.run(&wanted("amd64"), |_| {}, &Passed::default()));
    let error = error.expect_err("damaged").to_string();
    assert!(error.contains("is not what its name says"), "{error}");
    assert!(Pulled::kept(&name, &wanted("amd64"), &cache).is_err());
    let none = pull_error(&fake, &cache, "riscv64");
    assert!(
        none.contains("it is made for linux/arm64, linux/amd64"),
        "{none}"
    );
}

fn pull_error(fake: &Fake, cache: &ImageCache, architecture: &str) -> String {
    let name = named(fake);
    let pull = Pull::new(&name, cache, None).expect("ready");
    let error = run(pull.run(&wanted(architecture), |_| {}, &Passed::default()));
    error.expect_err("not for this machine").to_string()
}

#[test]
fn an_image_that_is_not_there_is_told() {
    let fake = Fake::new("");
    let folder = tempfile::tempdir().expect("a folder");
    let told = pull_error(&fake, &ImageCache::new(folder.path()), "amd64");
    assert!(told.ends_with("the registry has no such image"), "{told}");
}
