//! The components of a bundle that are containers: their images, their volumes, what they may have.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown, lchown};
use std::path::{Path, PathBuf};

use conduct_model::{
    Annotation, BundleId, Component, ComponentName, Descriptor, FileSystemType, InstanceId,
    MountPoint, VolumeName,
};

use crate::cgroup::Groups;
use crate::config::RuntimeConfig;
use crate::container::{
    ContainerRoot, FOLDERS, HOST_FILES, Ids, ImageRequest, Owner, Plan, Runc, Volume, found,
    read_foreign,
};
use crate::docker::{build, image_name};
use crate::environment::INSTANCE_VARIABLE;
use crate::error::RuntimeError;
use crate::folder::{RunFolder, read_json, write_json};
use crate::prepare::Prepared;
use crate::protocol::{ContainerSpec, Engine};

/// The annotation that names the image's tag, for each component.
const TAGS: &[&str] = &["com", "lightbend", "conductr", "oci-image-tags"];

/// Only the daemon passes through the folders above volumes.
const ABOVE_MODE: u32 = 0o700;

/// Unpacks the images of all components that have one, so that nothing of it is left to do when
/// others wait for the start.
pub(crate) fn prepare_containers(
    config: &RuntimeConfig,
    folder: &RunFolder,
    bundle: BundleId,
    prepared: &Prepared,
) -> Result<(), RuntimeError> {
    let descriptor = &prepared.descriptor;
    let ids = Ids::of(&descriptor.name, &descriptor.compatibility_version);
    for (name, component) in &descriptor.components {
        let place = prepared.root.join(name.as_str());
        let root = match component.file_system_type {
            FileSystemType::Universal => continue,
            FileSystemType::OciImage => image(config, descriptor, name, component, &place, ids)?,
            FileSystemType::OciBundle => foreign(name, component, &place, ids)?,
            FileSystemType::Docker => {
                let image = image_name(&bundle.to_string(), name);
                build(&program(&config.docker)?, folder, name, &place, &image)?;
                continue;
            }
        };
        write_json(&folder.container_root(name.as_str()), &root)?;
    }
    Ok(())
}

fn image(
    config: &RuntimeConfig,
    descriptor: &Descriptor,
    name: &ComponentName,
    component: &Component,
    layout: &Path,
    ids: Ids,
) -> Result<ContainerRoot, RuntimeError> {
    let images = config.images.as_ref();
    let images = images.ok_or(RuntimeError::Kind(component.file_system_type.as_str()))?;
    let path: Vec<&str> = TAGS.iter().copied().chain([name.as_str()]).collect();
    let tag = Annotation::find(&descriptor.annotations, &path).and_then(Annotation::as_text);
    let request = ImageRequest {
        layout,
        tag,
        ids,
        folders: &mount_points(component),
        files: HOST_FILES,
    };
    images.unpack(&request).map_err(failed(name))
}

/// A root file system that came as it is: it is the instance's own, and so are its files.
fn foreign(
    name: &ComponentName,
    component: &Component,
    place: &Path,
    ids: Ids,
) -> Result<ContainerRoot, RuntimeError> {
    let mut root = read_foreign(place).map_err(failed(name))?;
    for folder in mount_points(component) {
        let path = root.rootfs.join(folder.trim_start_matches('/'));
        std::fs::create_dir_all(&path).map_err(RuntimeError::file("create", &path))?;
        root.owners.push(Owner {
            user: ids.first,
            group: ids.first,
            mode: 0o755,
        });
    }
    for file in HOST_FILES {
        let path = root.rootfs.join(file.trim_start_matches('/'));
        touch(&path).map_err(RuntimeError::file("create", &path))?;
    }
    if ids.count > 1 {
        give_to(&root.rootfs, ids.first)?;
    }
    Ok(root)
}

fn failed(name: &ComponentName) -> impl FnOnce(crate::ImageFailure) -> RuntimeError {
    move |source| RuntimeError::Image {
        component: name.to_string(),
        source,
    }
}

/// Where something is mounted: what every container gets, then the component's volumes.
fn mount_points(component: &Component) -> Vec<String> {
    let always = FOLDERS.iter().map(ToString::to_string);
    let volumes = component.volumes.values().map(MountPoint::to_string);
    always.chain(volumes).collect()
}

fn touch(path: &Path) -> std::io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Ok(());
    }
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
    std::fs::write(path, "")
}

/// Archives hold neither links nor owners: every file is a plain one, and root's inside.
fn give_to(path: &Path, owner: u32) -> Result<(), RuntimeError> {
    lchown(path, Some(owner), Some(owner)).map_err(RuntimeError::file("give away", path))?;
    if !path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Ok(());
    }
    let listed = || RuntimeError::file("list", path);
    for entry in std::fs::read_dir(path).map_err(listed())? {
        give_to(&entry.map_err(listed())?.path(), owner)?;
    }
    Ok(())
}

/// Writes what the container of a component is to be; nothing for a component that is none.
pub(crate) fn plan(
    config: &RuntimeConfig,
    folder: &RunFolder,
    prepared: &Prepared,
    instance: InstanceId,
    groups: &Groups,
    name: &ComponentName,
) -> Result<Option<ContainerSpec>, RuntimeError> {
    let descriptor = &prepared.descriptor;
    let Some(component) = descriptor.components.get(name) else {
        return Ok(None);
    };
    let id = format!("{instance}-{name}");
    match component.file_system_type {
        FileSystemType::Universal => return Ok(None),
        FileSystemType::Docker => {
            let engine = Engine::Docker(program(&config.docker)?);
            return Ok(Some(ContainerSpec { id, engine }));
        }
        FileSystemType::OciImage | FileSystemType::OciBundle => {}
    }
    let root: Option<ContainerRoot> = read_json(&folder.container_root(name.as_str()))?;
    let root = root.ok_or(RuntimeError::Kind(component.file_system_type.as_str()))?;
    let program = program(&config.runc)?;
    let runc = Runc {
        program: program.clone(),
        states: folder.container_states(),
    };
    let instance = instance.to_string();
    let group = Groups::of_container(&config.name, &instance, name.as_str());
    let plan = Plan {
        runc: program,
        id: id.clone(),
        ids: Ids::of(&descriptor.name, &descriptor.compatibility_version),
        volumes: volumes(config, descriptor, component, &root)?,
        root,
        group: (!groups.joined.is_empty()).then_some(group),
        mark: (INSTANCE_VARIABLE.to_owned(), instance),
    };
    write_json(&folder.container_plan(name.as_str()), &plan)?;
    let engine = Engine::Runc(runc);
    Ok(Some(ContainerSpec { id, engine }))
}

/// A program of the machine's, where it is.
fn program(name: &Path) -> Result<PathBuf, RuntimeError> {
    let missing = || RuntimeError::file("find", name)(std::io::ErrorKind::NotFound.into());
    found(name).ok_or_else(missing)
}

fn volumes(
    config: &RuntimeConfig,
    descriptor: &Descriptor,
    component: &Component,
    root: &ContainerRoot,
) -> Result<Vec<Volume>, RuntimeError> {
    let owners = root.owners.iter().skip(FOLDERS.len());
    component
        .volumes
        .iter()
        .zip(owners)
        .map(|((name, target), owner)| {
            Ok(Volume {
                source: volume(config, descriptor, name, *owner)?,
                target: target.to_string(),
            })
        })
        .collect()
}

/// The folder of a volume. A new one belongs to whom the image says; one that is there stays as it
/// is, for it holds what somebody wants to keep.
fn volume(
    config: &RuntimeConfig,
    descriptor: &Descriptor,
    name: &VolumeName,
    owner: Owner,
) -> Result<PathBuf, RuntimeError> {
    let above = config
        .volumes
        .join(file_name(descriptor.name.as_str()))
        .join(file_name(descriptor.compatibility_version.as_str()));
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(ABOVE_MODE)
        .create(&above)
        .map_err(RuntimeError::file("create", &above))?;
    let volume = above.join(file_name(name.as_str()));
    match std::fs::create_dir(&volume) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(volume),
        made => made.map_err(RuntimeError::file("create", &volume))?,
    }
    if nix::unistd::geteuid().is_root() {
        chown(&volume, Some(owner.user), Some(owner.group))
            .map_err(RuntimeError::file("give away", &volume))?;
    }
    std::fs::set_permissions(&volume, Permissions::from_mode(owner.mode & 0o1777))
        .map_err(RuntimeError::file("change", &volume))?;
    Ok(volume)
}

/// A name of a bundle as that of one folder: what would lead elsewhere is written as its number.
fn file_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let mut text = String::new();
    for c in name.chars() {
        if fits(c) || (c == '.' && !text.is_empty()) {
            text.push(c);
        } else {
            text.push_str(&format!("%{:x}", u32::from(c)));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_folder_and_two_names_are_two() {
        assert_eq!(file_name("shop-1.2_x"), "shop-1.2_x");
        assert_eq!(file_name("../etc"), "%2e.%2fetc");
        assert_eq!(file_name(".."), "%2e.");
        assert_ne!(file_name("a/b"), file_name("a-b"));
        assert_ne!(file_name("%2e"), file_name("."));
    }
}
