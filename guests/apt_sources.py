"""The distribution's own package sources, as this host has them.

Mirrors, keyrings and proxies are the host's business, so its source files are taken as they are;
only the architecture is left out (a host for one architecture often says so in them), and what is
not Debian or a derivative (suites with other names) is dropped.  Both forms of sources.list(5)
are read; the deb822 form is written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Stanza = dict[str, str]

# sources.list(5): one-line options whose deb822 field has another name.
OPTION_FIELDS = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}
# The fields that decide what is fetched; the rest (Signed-By, Trusted, ...) is passed on.
OURS = {"types", "architectures", "languages", "targets", "enabled", "suites"}
DEBIAN_SUITES = {"bookworm", "trixie", "forky", "sid", "stable", "testing", "unstable"}
POCKET = re.compile(r"(-updates|-security|/updates|-backports|-proposed-updates)?")


def stanzas(text: str) -> Iterator[Stanza]:
    """The paragraphs of a deb822 text; names in lower case, continuation lines kept with `\\n`."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        stanza: Stanza = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#") or not line.strip():
                continue
            if line[0] in " \t":
                if name:
                    stanza[name] += "\n" + line
                continue
            name, _, value = line.partition(":")
            name = name.strip().lower()
            stanza[name] = value.strip()
        if stanza:
            yield stanza


def one_line_sources(text: str) -> Iterator[Stanza]:
    """The `deb [options] uri suite components...` lines of a text, each as a stanza."""
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        match = re.fullmatch(
            r"(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)", line
        )
        if match is None:
            continue
        kind, options, uri, suite, components = match.groups()
        stanza = {"types": kind, "uris": uri, "suites": suite, "components": components.strip()}
        for option in (options or "").split():
            name, _, value = option.partition("=")
            field = OPTION_FIELDS.get(name.rstrip("+-"), name).lower()
            stanza[field] = value.replace(",", " ")
        yield stanza


def host_sources(files: Iterable[Path]) -> Iterator[Stanza]:
    """The sources in `files`; a file that is absent or may not be read gives none."""
    for file in files:
        try:
            text = file.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        yield from stanzas(text) if file.suffix == ".sources" else one_line_sources(text)


def distribution_sources(
    sources: Iterable[Stanza], os_release: Mapping[str, str], *, source_packages: bool = False
) -> str:
    """The binary sources among `sources` of Debian or of the host's own distribution, as deb822.

    With `source_packages` the source packages behind them are asked for too: a mirror has both.
    """
    types, targets = ("deb deb-src", "Packages Sources") if source_packages else ("deb", "Packages")
    codenames = DEBIAN_SUITES | {
        name for key, name in os_release.items() if key.endswith("_CODENAME")
    }
    paragraphs = []
    for source in sources:
        suites = [s for s in source.get("suites", "").split() if _is_known(s, codenames)]
        if (
            not suites
            or "deb" not in source.get("types", "").split()
            or "main" not in source.get("components", "").split()
            or source.get("enabled", "yes").lower() in ("no", "false", "0")
            or source.get("uris", "").startswith("cdrom:")
        ):
            continue
        fields = {"types": types, "suites": " ".join(suites), "targets": targets}
        fields |= {name: value for name, value in source.items() if name not in OURS}
        paragraphs.append("".join(f"{name}: {value}\n" for name, value in fields.items()))
    return "\n".join(paragraphs)


def _is_known(suite: str, codenames: set[str]) -> bool:
    name = re.match(r"[a-z]*", suite)
    assert name is not None
    return name.group() in codenames and POCKET.fullmatch(suite, name.end()) is not None
