"""The command line of the preparation scripts: check everything, then write data set folders.

The raw folder is only read. A folder appears when it is whole; a request that is done already does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from dmic.compute.threads import available_cpus
from dmic.storage.dataset_folder import DatasetError, read_folder
from dmic.storage.dataset_writer import DatasetWriter

from ..stopping import interrupted, stoppable
from .listing import Photo, where_it_is
from .pictures import FILTER, Picture, read_pictures
from .report import PreparationError, Report

VERSION = "1"  # of what these scripts write; raise it when the same raw data give other bytes

# Folder below --out ("" = --out itself) -> its rows. All parts list the same images.
Parts = dict[str, list[Photo]]


@dataclass(frozen=True)
class Source:
    """A raw data set: what it is called, under which terms it came, how its files are listed and checked."""

    name: str
    title: str
    licence: str
    collect: Callable[[Path, Report], Parts]
    holds: Collection[str] = ()  # names in the raw folder


@dataclass(frozen=True)
class Job:
    """One checked request."""

    source: Source
    root: Path
    out: Path
    size: tuple[int, int]
    workers: int
    force: bool

    def made(self, part: str, photos: Sequence[Photo]) -> dict[str, Any]:
        """What ``dataset.json`` stores under ``made``; the same request on the same files gives the same."""
        rows = "\n".join(" ".join(map(str, photo)) for photo in photos)
        return {
            "script": f"data_scripts/prepare_{self.source.name.replace('-', '_')}.py",
            "part": part,
            "filter": FILTER,
            "listing_sha256": hashlib.sha256(rows.encode()).hexdigest(),
        }

    def is_done(self, part: str, photos: Sequence[Photo]) -> bool:
        """Whether a whole folder of exactly this request is there already."""
        try:
            info = read_folder(self.out / part).info
        except DatasetError:
            return False
        if not isinstance(info["made"], dict):
            return False
        made = {key: value for key, value in info["made"].items() if key != "converted"}
        same = (made, tuple(info["size"]), info["version"]) == (self.made(part, photos), self.size, VERSION)
        return same and not self.force

    def writer(self, part: str, photos: Sequence[Photo], converted: Counter[str]) -> DatasetWriter:
        """Start a folder; ``converted`` may still be counted up until it is finished."""
        path = self.out / part
        if not self.force and path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise PreparationError(
                f"{path} holds something else: another size, other raw files, or no data set at all. Choose another "
                "--out; --force replaces a data set folder."
            )
        return DatasetWriter(
            path,
            count=len(photos),
            size=self.size,
            name=f"{self.source.name}{f'-{part}' if part else ''}",
            version=VERSION,
            licence=self.source.licence,
            made=self.made(part, photos) | {"converted": converted},
            overwrite=self.force,
        )


def _row(photo: Photo) -> dict[str, Any]:
    """Manifest columns of one image."""
    return {key: getattr(photo, key) for key in ("split", "modality", "camera", "identity")} | {
        "source": photo.path
    }


def _pictures(job: Job, photos: Sequence[Photo], label: str) -> Generator[tuple[Photo, Picture], None, None]:
    """Read all images behind a progress bar (silent where nobody watches)."""
    paths = [job.root / photo.path for photo in photos]
    with (
        tqdm(total=len(photos), unit="image", desc=label, disable=None) as bar,
        closing(read_pictures(paths, job.size, job.workers)) as pictures,
    ):
        for photo, picture in zip(photos, pictures, strict=True):
            yield photo, picture
            bar.update()


def _record(photo: Photo, picture: Picture, report: Report, converted: Counter[str]) -> None:
    """Count a conversion, or report a broken image."""
    if picture.trouble:
        report.problem(picture.trouble, f"{photo.path} ({picture.detail})" if picture.detail else photo.path)
    elif picture.converted:
        converted[picture.converted] += 1
        report.note(f"images turned into RGB: {picture.converted}", photo.path)


def decode_all(job: Job, photos: Sequence[Photo], report: Report) -> None:
    """Read every image without keeping it, and report what is broken."""
    with closing(_pictures(job, photos, "reading")) as pictures:
        for photo, picture in pictures:
            _record(photo, picture, report, Counter())
    report.stop_if_wrong(job.root)


def write_part(job: Job, part: str, photos: Sequence[Photo], report: Report) -> None:
    """Decode, resize and write one folder; one report names all broken images, and then nothing is left behind."""
    converted: Counter[str] = Counter()
    with (
        job.writer(part, photos, converted) as writer,
        closing(_pictures(job, photos, "resizing")) as pictures,
    ):
        for photo, picture in pictures:
            _record(photo, picture, report, converted)
            if report.ok and picture.pixels is not None:
                writer.append(picture.pixels, **_row(photo))
        report.stop_if_wrong(job.root)


def write_like(job: Job, first: str, part: str, photos: Sequence[Photo]) -> None:
    """Write a folder with the images of a finished one and other rows; on disk the images exist once (hard link)."""
    there = read_folder(job.out / first)
    with job.writer(part, photos, Counter(there.info["made"]["converted"])) as writer:
        for image, photo in zip(there.images, photos, strict=True):
            writer.append(image, **_row(photo))
    linked = job.out / part / "images.linked"
    try:
        os.link(job.out / first / "images.npy", linked)
        linked.replace(job.out / part / "images.npy")
    except OSError:  # a file system without hard links: this folder keeps its own copy
        pass
    finally:
        linked.unlink(missing_ok=True)


def prepare(job: Job, parts: Parts, report: Report) -> str:
    """Write what is not there yet; returns a sentence about it."""
    waiting = [part for part, photos in parts.items() if not job.is_done(part, photos)]
    if not waiting:
        return (
            f"{job.out} is complete with these images and this size: nothing to do (--force writes it again)."
        )
    count = len(next(iter(parts.values())))
    _check_space(job, count * min(2, len(waiting)))
    first = next((part for part in parts if part not in waiting), None)
    if first is not None:
        read_folder(job.out / first, verify=True)  # of an earlier time: its images are about to be used again
    for part in waiting:
        if first is None:
            write_part(job, part, parts[part], report)
            first = part
        else:
            write_like(job, first, part, parts[part])
    folders = f"{len(parts)} folders ({', '.join(parts)}) of " if len(parts) > 1 else ""
    return f"{job.out}: {folders}{count:,} images of {job.size[0]}x{job.size[1]} pixels"


def _check_space(job: Job, images: int) -> None:
    """A full disk kills a process that writes through a memory map: look before."""
    there = next(folder for folder in [job.out, *job.out.parents] if folder.exists())
    needed, free = images * job.size[0] * job.size[1] * 3, shutil.disk_usage(there).free
    if needed > free:
        raise PreparationError(
            f"{there} has {free / 1e9:.1f} GB free, the images need {needed / 1e9:.1f} GB. Choose another --out, or a "
            "smaller --size."
        )


def summary(parts: Parts) -> list[str]:
    """Table of people and images by split, of each part (RegDB's ten look alike: only the first)."""
    part, photos = next(iter(parts.items()))
    lines = [f"{part or 'split':<10}{'people':>8}{'visible':>10}{'infrared':>10}"]
    for split in ("train", "query", "gallery"):
        rows = [photo for photo in photos if photo.split == split]
        kinds = Counter(photo.modality for photo in rows)
        people = len({photo.identity for photo in rows})
        lines.append(f"{split:<10}{people:>8,}{kinds['visible']:>10,}{kinds['infrared']:>10,}")
    return lines


def size_of(text: str) -> tuple[int, int]:
    """Read ``288x144`` as (height, width)."""
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r} is no size; expected HEIGHTxWIDTH in pixels, as 288x144")
    return int(match[1]), int(match[2])


def parse(source: Source, description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help=f"folder of the raw {source.title} files")
    parser.add_argument("--out", type=Path, required=True, help="data set folder to make")
    parser.add_argument("--size", type=size_of, default=(288, 144), help="HEIGHTxWIDTH (default: 288x144)")
    parser.add_argument("--workers", type=int, help="threads (default: one per core)")
    parser.add_argument("--dry-run", action="store_true", help="check listing and counts, write nothing")
    parser.add_argument("--decode", action="store_true", help="with --dry-run: read every image, too")
    parser.add_argument("--force", action="store_true", help="write again even if the folder is there")
    options = parser.parse_args(arguments)
    if options.decode and not options.dry_run:
        parser.error("--decode belongs to --dry-run; writing reads every image anyway")
    return options


def check(source: Source, options: argparse.Namespace, report: Report) -> tuple[Job, Parts]:
    """List the raw files and refuse everything that is not as published."""
    root, out = options.root.absolute(), options.out.absolute()
    if not root.is_dir():
        raise PreparationError(f"There is no folder {root}. --root is the unpacked {source.title}.")
    if out.resolve() in (root.resolve(), *root.resolve().parents):
        raise PreparationError(f"--out {out} holds the raw data. Choose a folder of its own.")
    if elsewhere := where_it_is(root, source.holds):
        raise PreparationError(
            f"{root} holds none of {', '.join(source.holds)}, but {elsewhere} does. Use --root {shlex.quote(str(elsewhere))}"
        )
    workers = available_cpus() if options.workers is None else options.workers
    if workers < 1:
        raise PreparationError(
            f"--workers must be at least 1, found {workers}. Without it: one thread per core."
        )
    parts = source.collect(root, report)
    report.stop_if_wrong(root)
    return Job(source, root, out, options.size, workers, options.force), parts


def run(source: Source, options: argparse.Namespace) -> None:
    """Check the raw data, write what the command line asks for, and print a summary."""
    report = Report()
    job, parts = check(source, options, report)
    photos = next(iter(parts.values()))
    print(f"{source.title}: listing and counts are as published", *summary(parts), sep="\n  ", flush=True)
    if not options.dry_run:
        said = prepare(job, parts, report)
    else:
        if options.decode:
            decode_all(job, photos, report)
        said = (
            f"dry run: {'all images can be read' if options.decode else 'images not read'}, nothing written; "
        )
        said += (
            f"{len(photos):,} images would take {len(photos) * job.size[0] * job.size[1] * 3 / 1e9:.2f} GB"
        )
    print(*(f"  note: {line}" for line in report.notes()), said, sep="\n")


def main(source: Source, description: str | None, arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status: 0 done, 2 refused (the text on stderr says why), 130 interrupted."""
    options = parse(source, description, arguments)
    try:
        with stoppable():
            run(source, options)
    except (PreparationError, DatasetError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        return interrupted(error, options.out)
    return 0
