//! The bundles that tests load.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::http::{self, Response};
use crate::programs::{program, run};

/// What separates the parts of an upload; no archive holds it.
pub const BOUNDARY: &str = "----conduct-tests-7d1f0a";

/// A program that serves what it is and where, and says that it is ready.
const SERVER: &str = r#"
import http.server, os, sys, urllib.request

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("hello from %s on %s\n" % (os.environ["BUNDLE_NAME"], os.environ["BUNDLE_HOST_IP"])).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer((os.environ["WEB_BIND_IP"], int(os.environ["WEB_BIND_PORT"])), Hello)
print("listening on port", server.server_port, flush=True)
print("this goes to the other stream", file=sys.stderr, flush=True)
status = "%s/bundles/%s?isStarted=true" % (os.environ["CONDUCTR_STATUS"], os.environ["BUNDLE_ID"])
urllib.request.urlopen(urllib.request.Request(status, method="PUT")).read()
server.serve_forever()
"#;

/// A program that goes down before it is ready.
const FAILING: &str = r#"
import sys
print("starting up", flush=True)
print("DATABASE_URL is not set", file=sys.stderr, flush=True)
sys.exit(1)
"#;

/// A bundle: a folder and the archive made of it.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    archive: PathBuf,
    conf: String,
}

impl Bundle {
    /// A web server called `name`, found as the service `name`, in a folder below `place`.
    #[must_use]
    pub fn web(place: &Path, name: &str) -> Bundle {
        Bundle::python(place, name, SERVER, "")
    }

    /// The same with more lines in its `bundle.conf`.
    #[must_use]
    pub fn web_with(place: &Path, name: &str, more: &str) -> Bundle {
        Bundle::python(place, name, SERVER, more)
    }

    /// A bundle whose program ends with 1 as soon as it has said why.
    #[must_use]
    pub fn failing(place: &Path, name: &str) -> Bundle {
        Bundle::python(place, name, FAILING, "")
    }

    /// A bundle of this Python program.
    #[must_use]
    pub fn python(place: &Path, name: &str, program: &str, more: &str) -> Bundle {
        let conf = format!(
            r#"version = "1"
name = {name}
compatibility-version = "1"
system = {name}
system-version = "1"
tags = ["1.0.0"]
nr-of-cpus = 0.01
memory = 64 MiB
disk-space = 10 MiB
roles = [web]
components {{
  web {{
    description = "For tests"
    file-system-type = universal
    start-command = ["python3", "web/run.py"]
    endpoints {{
      web {{
        bind-protocol = http
        bind-port = 0
        service-name = {name}
        acls = [{{ http {{ requests = [{{ path-beg = "/{name}" }}] }} }}]
      }}
    }}
  }}
}}
{more}
"#
        );
        let folder = place.join(name);
        write(&folder.join("bundle.conf"), &conf);
        write(&folder.join("web/run.py"), program);
        Bundle::packed(&folder, conf)
    }

    fn packed(folder: &Path, conf: String) -> Bundle {
        let archive = folder.with_extension("zip");
        let mut bndl = Command::new(program("bndl"));
        run(bndl.arg(folder).arg("-o").arg(&archive)).ok();
        Bundle {
            folder: folder.to_owned(),
            archive,
            conf,
        }
    }

    /// The folder that it was made of.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its archive.
    #[must_use]
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// Its `bundle.conf`.
    #[must_use]
    pub fn conf(&self) -> &str {
        &self.conf
    }

    /// The bytes of its archive, without what is behind them.
    ///
    /// # Panics
    /// When it is not there any more.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.archive).expect("the archive was just made")
    }

    /// What it is called when it is uploaded: says its digest, as `bndl inspect` tells it.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut bndl = Command::new(program("bndl"));
        let ran = run(bndl.arg("inspect").arg(&self.archive));
        let digest = ran
            .ok()
            .lines()
            .find_map(|line| line.strip_prefix("digest"));
        let name = self.folder.file_name().and_then(|name| name.to_str());
        let (name, digest) = name.zip(digest).expect("a name and a digest");
        format!("{name}-{}.zip", digest.trim())
    }

    /// Uploads it as the protocol wants it.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn load(&self, to: SocketAddr) -> Result<Response, String> {
        let name = self.file_name();
        upload(
            to,
            &[
                ("bundleConf", Some("bundle.conf"), self.conf.as_bytes()),
                ("bundle", Some(&name), &self.bytes()),
            ],
            &[],
        )
    }
}

/// A part of a form: its name, its file name if it has one, its content.
pub type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

/// Uploads any parts in any order.
///
/// # Errors
/// When nothing answers.
pub fn upload(
    to: SocketAddr,
    parts: &[Part<'_>],
    headers: &[(&str, &str)],
) -> Result<Response, String> {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let mut all = vec![("Content-Type", kind.as_str())];
    all.extend_from_slice(headers);
    http::request(to, "POST", "/v2/bundles", &all, &form(parts))
}

/// The body of an upload.
#[must_use]
pub fn form(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        write!(
            body,
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n"
        )
        .expect("memory takes everything");
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    write!(body, "--{BOUNDARY}--\r\n").expect("memory takes everything");
    body
}

fn write(path: &Path, content: &str) {
    let folder = path.parent().expect("it is in a folder");
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(path, content).expect("a file");
}
