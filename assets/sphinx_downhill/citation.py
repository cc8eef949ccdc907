"""Say how to cite the course, from `CITATION.cff`, so that no page says it otherwise."""

from pathlib import Path

import yaml
from docutils import nodes
from sphinx.util.docutils import SphinxDirective


def bibtex(about: dict) -> str:
    """Return the BibTeX entry of a parsed `CITATION.cff`."""
    fields = {
        "title": f"{{{about['title']}}}",
        "author": " and ".join(f"{{{author['name']}}}" for author in about["authors"]),
        "year": str(about["date-released"])[:4],
        "version": about["version"],
        "url": about["repository-code"],
        "license": " and ".join(about["license"]),
    }
    lines = ",\n".join(f"  {key:<8}= {{{value}}}" for key, value in fields.items())
    return f"@misc{{downhill,\n{lines}\n}}"


def sentence(about: dict) -> str:
    """Return the citation in words."""
    authors = ", ".join(author["name"] for author in about["authors"])
    year = str(about["date-released"])[:4]
    return (
        f"{authors} ({year}). {about['title']} (version {about['version']}). "
        f"{about['repository-code']}"
    )


class CiteCourse(SphinxDirective):
    """Write the citation in words and as BibTeX."""

    def run(self) -> list[nodes.Node]:
        """Return a paragraph and a block to copy."""
        path = Path(self.env.srcdir, "CITATION.cff")
        self.env.note_dependency(str(path))
        about = yaml.safe_load(path.read_text(encoding="utf-8"))
        text = sentence(about)
        entry = nodes.literal_block(bibtex(about), bibtex(about), language="bibtex")
        return [nodes.block_quote("", nodes.paragraph(text, text)), entry]
