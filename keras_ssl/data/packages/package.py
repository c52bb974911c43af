"""Files of a package: in a folder, in its archive, or in an archive inside that."""

import io
import os
import re
import tarfile
from pathlib import Path
from typing import NamedTuple

DEPTHS = ("*", "*/*", "*/*/*")  # A folder is not searched deeper.


class Package(NamedTuple):
    """A package that brings a data set along.

    Attributes:
        name: str, the data set.
        files: str, a regular expression of the names of its files, without folders.
        count: int, how many files there are at least.
        advice: str, how to get it, for the message where it is not there.
        archives: str, a regular expression of the names of archives that have them.
        folders: tuple of str, where a system puts them.
    """

    name: str
    files: str
    count: int
    advice: str
    archives: str = "(?!)"  # none
    folders: tuple = ()

    def read(self, data_dir=None):
        """All files, from the first place that has them.

        Args:
            data_dir: path of an archive, of a folder, or of a folder with a subfolder `name`. If None, the subfolder
                `name` of the folder that the environment variable `KERAS_SSL_DATA` names, then `folders`.

        Returns:
            dict from file name to bytes, in the order of the names.

        Raises:
            ValueError: If they are nowhere, or an archive is damaged.
        """
        places = self._places(data_dir)
        for place in places:
            found = dict(sorted(self._files(place))) if place.exists() else {}
            if len(found) >= self.count:
                return found
        looked = ", ".join(repr(str(place)) for place in places) or "no folder"
        raise ValueError(
            f"The files of {self.name!r} are not on this machine: {self.advice}, and put it into a folder named "
            f"{self.name!r} inside the folder that the environment variable KERAS_SSL_DATA names, or give its path as "
            f"`data_dir`. Looked in: {looked}"
        )

    def _places(self, data_dir):
        if data_dir is not None:
            return [Path(data_dir).expanduser() / self.name, Path(data_dir).expanduser()]
        named = os.environ.get("KERAS_SSL_DATA")
        return [*([Path(named) / self.name] if named else []), *map(Path, self.folders)]

    def _files(self, place):
        paths = [path for depth in DEPTHS for path in place.glob(depth)] if place.is_dir() else [place]
        for path in filter(Path.is_file, paths):
            if re.fullmatch(self.files, path.name):
                yield path.name, path.read_bytes()
            elif re.fullmatch(self.archives, path.name):
                yield from self._members(path, path.read_bytes())

    def _members(self, path, content):
        try:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                for member in filter(tarfile.TarInfo.isfile, archive):
                    name = Path(member.name).name
                    if re.fullmatch(self.files, name):
                        yield name, archive.extractfile(member).read()
                    elif re.fullmatch(self.archives, name):
                        yield from self._members(path, archive.extractfile(member).read())
        except (tarfile.TarError, EOFError, OSError) as error:
            reason = str(error).split("\n")[0].rstrip(":")
            raise ValueError(f"The archive {str(path)!r} cannot be read: {reason}. Get it anew") from error
