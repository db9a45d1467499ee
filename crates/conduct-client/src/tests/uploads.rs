//! What is uploaded arrives as servers old and new want it.

use std::io::Write as _;

use super::{client, limits, nobody, run, target};
use crate::fake::Fake;
use crate::{Client, ClientError, Part, Passed, Upload};

fn upload(file: &tempfile::NamedTempFile, bytes: u64) -> Upload {
    Upload {
        parts: vec![
            Part::Text {
                name: "bundleConf",
                file_name: "bundle.conf".to_owned(),
                text: "name = shop".to_owned(),
            },
            Part::File {
                name: "bundle",
                file_name: "shop-0a.zip".to_owned(),
                path: file.path().to_owned(),
                bytes,
            },
        ],
    }
}

fn file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(content).expect("written");
    file
}

const ACCEPTING: &str = "> POST /v2/bundles\n< 200 application/json\n\
                         {\"bundleId\": \"0a\", \"requestId\": \"x\", \"durability\": 2}";

#[test]
fn parts_say_what_they_are_called_and_nothing_else() {
    let fake = Fake::new(ACCEPTING);
    let archive = file(b"archive\nsha-256/trailer");
    let passed = Passed::default();
    let client = Client::new([nobody(), target(&fake)], limits());
    let accepted = run(client.load(&upload(&archive, 7), &passed)).expect("accepted");
    assert_eq!(accepted.value.durability, Some(2));
    assert_eq!(passed.bytes(), 7);

    let seen = fake.seen().remove(0);
    let length = seen.headers["content-length"].parse::<usize>();
    assert_eq!(
        length,
        Ok(seen.body.len()),
        "old servers want to know the length"
    );
    let boundary = seen.headers["content-type"]
        .split_once("boundary=")
        .expect("one")
        .1;
    let body = String::from_utf8(seen.body.clone()).expect("text");
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"bundleConf\"; \
         filename=\"bundle.conf\"\r\n\r\nname = shop\r\n--{boundary}\r\nContent-Disposition: \
         form-data; name=\"bundle\"; filename=\"shop-0a.zip\"\r\n\r\narchive\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
}

#[test]
fn a_server_that_takes_all_and_says_nothing_is_told_apart() {
    let fake = Fake::new("> POST /v2/bundles\n< silence");
    let archive = file(b"archive");
    let error = run(client(&fake).load(&upload(&archive, 7), &Passed::default()));
    let error = error.expect_err("nothing was said");
    assert!(matches!(error, ClientError::NoVerdict { .. }), "{error}");
}

#[test]
fn a_file_that_is_gone_is_told_before_anything_is_sent() {
    let fake = Fake::new(ACCEPTING);
    let archive = file(b"archive");
    let upload = upload(&archive, 7);
    drop(archive);
    let error = run(client(&fake).load(&upload, &Passed::default())).expect_err("gone");
    assert!(error.to_string().starts_with("could not read "), "{error}");
    assert!(fake.seen().is_empty());
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_server() {
    let fake =
        Fake::new("> POST /v2/bundles\n< 403 text/plain conduct-error=no-room\nno node has room");
    let archive = file(b"archive");
    let error = run(client(&fake).load(&upload(&archive, 7), &Passed::default()));
    let error = error.expect_err("refused");
    assert_eq!((error.status(), error.code()), (Some(403), Some("no-room")));
    assert!(
        error
            .to_string()
            .ends_with("403 Forbidden: no node has room"),
        "{error}"
    );
}

#[test]
fn a_download_is_whole_or_an_error() {
    let fake = Fake::new("> GET /a.zip\n< 200 application/zip\nabc\n> GET /b.zip\n< broken\nab\n");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    run(async {
        let root = format!("http://{}", fake.address());
        let (mut total, passed) = (None, Passed::default());
        let url = format!("{root}/a.zip");
        let got = crate::download::download(&url, &path, |it| total = it, &passed).await;
        assert_eq!(
            (got.expect("whole"), total, passed.bytes()),
            (3, Some(3), 3)
        );
        assert_eq!(std::fs::read(&path).expect("there"), b"abc");
        for (file, told) in [("b.zip", "broke off"), ("c.zip", "404 Not Found")] {
            let url = format!("{root}/{file}");
            let error = crate::download::download(&url, &path, |_| {}, &passed).await;
            let error = error.expect_err(file).to_string();
            assert!(error.contains(told), "{error}");
        }
        let error = crate::download::download("http://a b/", &path, |_| {}, &passed).await;
        assert!(matches!(error, Err(ClientError::Url { .. })));
    });
}
