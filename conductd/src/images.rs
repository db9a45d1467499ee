//! Introduces the unpacker of images to the runtime that runs containers.

use std::path::PathBuf;

use conduct_image::unpack::{Wanted, keep_only, owners_from, root_of};
use conduct_runtime::{Account, ContainerRoot, ImageFailure, ImageRequest, Images, Owner};

/// Images below one folder of the disk.
pub(crate) struct UnpackedImages {
    pub(crate) cache: PathBuf,
}

impl Images for UnpackedImages {
    fn unpack(&self, request: &ImageRequest<'_>) -> Result<ContainerRoot, ImageFailure> {
        let wanted = Wanted {
            tag: request.tag,
            owners: owners_from(request.ids.first, request.ids.count),
            folders: request.folders,
            files: request.files,
        };
        let rooted = root_of(request.layout, &self.cache, &wanted)?;
        let config = rooted.config;
        let variables = config.env.iter().filter_map(|text| text.split_once('='));
        let folders = rooted.folders.iter();
        Ok(ContainerRoot {
            rootfs: rooted.rootfs,
            words: [config.entrypoint, config.cmd].concat(),
            environment: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            working_folder: config.working_dir,
            account: Account {
                user: rooted.account.user,
                group: rooted.account.group,
                groups: rooted.account.groups,
            },
            labels: config.labels,
            owners: folders
                .map(|folder| Owner {
                    user: folder.user,
                    group: folder.group,
                    mode: folder.mode,
                })
                .collect(),
        })
    }

    fn keep_only(&self, used: &[PathBuf]) -> Result<(), ImageFailure> {
        Ok(keep_only(&self.cache, used)?)
    }
}
