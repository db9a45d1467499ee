//! An image as the files of a layout that holds it and nothing else: how images live in bundles.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use conduct_model::Digest;
use flate2::Crc;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::docker::DockerImage;
use crate::layout::is_tag;
use crate::spec::{CONFIG, LAYER_GZIP, MANIFEST, REF_NAME};
use crate::{
    Descriptor, DockerArchive, DockerChoice, Files, ImageConfig, ImageError, Layer, Resolved,
    StoredGzip, Verified, decode,
};

/// What an image without a tag is called.
const NO_TAG: &str = "latest";

/// The words of an image's configuration that mean something outside of docker.
const RUN_KEYS: [&str; 8] = [
    "Cmd",
    "Entrypoint",
    "Env",
    "ExposedPorts",
    "Labels",
    "User",
    "Volumes",
    "WorkingDir",
];

/// An image, ready to be written file by file.
#[derive(Debug)]
pub struct Export {
    /// What it is.
    pub image: Image,
    /// Its files, sorted by path.
    pub files: Vec<ExportFile>,
}

/// What a bundle wants to know about its image.
#[derive(Debug, Clone)]
pub struct Image {
    /// The last part of its name, where it has one.
    pub name: Option<String>,
    /// Its tag: the file below `refs`.
    pub tag: String,
    /// What it says about itself.
    pub config: ImageConfig,
    /// Its labels, and what else its manifest says.
    pub annotations: BTreeMap<String, String>,
    /// The names or tags of the other images beside it.
    pub others: Vec<String>,
    /// The platforms among which this one was chosen; empty where there was no choice.
    pub platforms: Vec<String>,
}

/// One file of an [`Export`].
#[derive(Debug)]
pub struct ExportFile {
    /// Below the folder of the layout.
    pub path: String,
    /// How long it is, in bytes.
    pub size: u64,
    /// Its CRC-32, where it was read already.
    pub crc: Option<u32>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// A blob that stays as it is.
    Blob(Layer),
    /// A tar that becomes a stored gzip file, with the digest of the tar.
    Layer(Files, String, Digest),
}

impl ExportFile {
    fn bytes(path: String, bytes: Vec<u8>) -> ExportFile {
        let (size, content) = (bytes.len() as u64, Content::Bytes(bytes));
        ExportFile {
            path,
            size,
            crc: None,
            content,
        }
    }

    /// Reads it, as often as needed; what has a digest is checked while it is read.
    pub fn open(&self) -> Result<Box<dyn Read + '_>, ImageError> {
        Ok(match &self.content {
            Content::Bytes(bytes) => Box::new(Cursor::new(bytes)),
            Content::Blob(blob) => Box::new(blob.open()?),
            Content::Layer(files, name, digest) => {
                Box::new(StoredGzip::new(open_tar(files, name, *digest)?))
            }
        })
    }
}

impl Export {
    /// The image of a layout as it lies there, without what belongs to other images.
    pub fn of_layout(image: &Resolved) -> Result<Export, ImageError> {
        let mut files = frame(&image.tag, &image.descriptor);
        let parts = [&image.descriptor, &image.manifest.config];
        for descriptor in parts.into_iter().chain(&image.manifest.layers) {
            let content = Content::Blob(image.blob(descriptor)?);
            let (path, size) = (descriptor.blob()?, descriptor.size);
            files.insert(
                path.clone(),
                ExportFile {
                    path,
                    size,
                    crc: None,
                    content,
                },
            );
        }
        let mut annotations = image.config.config.labels.clone();
        annotations.extend(image.manifest.annotations.clone());
        Ok(Export {
            image: Image {
                name: None,
                tag: image.tag.clone(),
                config: image.config.clone(),
                annotations,
                others: image.other_tags.clone(),
                platforms: image.platforms.clone(),
            },
            files: files.into_values().collect(),
        })
    }

    /// The image of a docker archive, made into a layout. Reads every layer once to learn its
    /// digest; `progress` hears of the bytes as they pass.
    pub fn of_docker(
        archive: &DockerArchive,
        choice: &DockerChoice<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Export, ImageError> {
        let image = archive.choose(choice)?;
        let tag = image
            .tag
            .clone()
            .filter(|tag| is_tag(tag))
            .unwrap_or_else(|| NO_TAG.to_owned());
        let mut blobs = BTreeMap::new();
        let mut layers = Vec::new();
        for (name, digest) in &image.layers {
            let gzip = StoredGzip::new(open_tar(&image.files, name, *digest)?);
            let measured = measure(gzip, progress).map_err(ImageError::read(name))?;
            let (size, crc) = (measured.size, Some(measured.crc));
            let layer = descriptor(LAYER_GZIP, measured.digest, size);
            let content = Content::Layer(image.files.clone(), name.clone(), *digest);
            let path = layer.blob()?;
            blobs.insert(
                path.clone(),
                ExportFile {
                    path,
                    size,
                    crc,
                    content,
                },
            );
            layers.push(layer);
        }
        let config = blob(&mut blobs, CONFIG, &portable_config(&image));
        let labels = &image.config.config.labels;
        let manifest = blob(&mut blobs, MANIFEST, &manifest(&config, &layers, labels));
        let mut files = frame(&tag, &manifest);
        files.append(&mut blobs);
        Ok(Export {
            image: Image {
                name: image.name,
                tag,
                annotations: labels.clone(),
                others: image.other_names,
                platforms: Vec::new(),
                config: image.config,
            },
            files: files.into_values().collect(),
        })
    }
}

/// Files by their paths.
type Parts = BTreeMap<String, ExportFile>;

/// The files that make blobs a layout: for old readers a file per tag, for new ones an index.
fn frame(tag: &str, manifest: &Descriptor) -> Parts {
    let mut reference = as_json(manifest);
    let bare = bytes(&Value::Object(reference.clone()));
    reference.insert("annotations".into(), json!({ REF_NAME: tag }));
    let index = json!({ "manifests": [reference], "schemaVersion": 2 });
    let version = json!({ "imageLayoutVersion": "1.0.0" });
    let files = [
        ("oci-layout".to_owned(), bytes(&version)),
        ("index.json".to_owned(), bytes(&index)),
        (format!("refs/{tag}"), bare),
    ];
    let file = |(path, bytes): (String, Vec<u8>)| (path.clone(), ExportFile::bytes(path, bytes));
    files.into_iter().map(file).collect()
}

fn blob(blobs: &mut Parts, media_type: &str, value: &Value) -> Descriptor {
    let bytes = bytes(value);
    let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
    let path = format!("blobs/sha256/{digest}");
    blobs.insert(path.clone(), ExportFile::bytes(path, bytes));
    descriptor(media_type, digest, size)
}

fn descriptor(media_type: &str, digest: Digest, size: u64) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        digest: format!("sha256:{digest}"),
        size,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

fn as_json(descriptor: &Descriptor) -> Map<String, Value> {
    let media_type = match descriptor.media_type.as_str() {
        "" => MANIFEST,
        known => known,
    };
    let pairs = [
        ("digest", json!(descriptor.digest)),
        ("mediaType", json!(media_type)),
        ("size", json!(descriptor.size)),
    ];
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

fn manifest(
    config: &Descriptor,
    layers: &[Descriptor],
    annotations: &BTreeMap<String, String>,
) -> Value {
    let layers: Vec<Value> = layers
        .iter()
        .map(|layer| Value::Object(as_json(layer)))
        .collect();
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": as_json(config),
        "layers": layers,
    });
    if !annotations.is_empty() {
        manifest["annotations"] = json!(annotations);
    }
    manifest
}

/// What of docker's own configuration any runtime understands.
fn portable_config(image: &DockerImage) -> Value {
    let whole = &image.raw_config;
    let mut config = Map::new();
    for key in [
        "architecture",
        "created",
        "history",
        "os",
        "rootfs",
        "variant",
    ] {
        if let Some(value) = whole.get(key).filter(|value| is_set(value)) {
            config.insert(key.to_owned(), value.clone());
        }
    }
    let mut run = Map::new();
    for key in RUN_KEYS {
        if let Some(value) = whole
            .get("config")
            .and_then(|run| run.get(key))
            .filter(|v| is_set(v))
        {
            run.insert(key.to_owned(), value.clone());
        }
    }
    config.insert("config".to_owned(), Value::Object(run));
    Value::Object(config)
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Sorted keys, so that equal content has equal bytes.
fn bytes(value: &Value) -> Vec<u8> {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted.to_string().into_bytes()
}

fn open_tar(files: &Files, name: &str, digest: Digest) -> Result<impl Read, ImageError> {
    let tar = decode(files.open(name)?).map_err(ImageError::read(name))?;
    Ok(Verified::of_any_size(tar, name, digest))
}

struct Measured {
    digest: Digest,
    size: u64,
    crc: u32,
}

/// Reads all of `content` to see what it comes to.
fn measure(mut content: impl Read, progress: &mut dyn FnMut(u64)) -> io::Result<Measured> {
    let (mut hasher, mut crc) = (Sha256::new(), Crc::new());
    let mut size = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            let digest = Digest::from_bytes(hasher.finalize().into());
            return Ok(Measured {
                digest,
                size,
                crc: crc.sum(),
            });
        }
        hasher.update(&buffer[..count]);
        crc.update(&buffer[..count]);
        size += count as u64;
        progress(count as u64);
    }
}
