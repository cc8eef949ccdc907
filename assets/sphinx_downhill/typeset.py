"""Set a notebook for paper: Markdown and cells in, a Typst document out.

On paper nothing unfolds and nothing moves. What the page folds away (answers, solutions) stands at
the end, the code of drawings is left out, and explorers stand still.
"""

import base64
import json
import re
import subprocess
from pathlib import Path

import pypandoc

from .explorers import VIEW, first_position

TEMPLATE = Path(__file__).resolve().parent.parent / "chapter.typ"
# `smart` would turn quotes that the site shows as they are written.
MARKDOWN = "markdown-smart-implicit_figures-example_lists-fancy_lists+raw_attribute"
FOLD = re.compile(r"<details>\s*<summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
FENCE = re.compile(r"(^(?:```|~~~).*?^(?:```|~~~)[^\S\n]*$)", re.DOTALL | re.MULTILINE)
CAPTION = re.compile(r"(?m)^\*((?:Figure|Table|Explorer) \d+\.\d+\. .+)\*$")
NUMBERED = re.compile(r"\$\$((?:(?!\$\$).)*?)\\tag\{([^}]*)\}(.*?)\$\$", re.DOTALL)
CITED = re.compile(r"\{cite\}`([^`]+)`")
NOTEBOOK = re.compile(r"\]\(((?:\.\./)?[\w./-]*?)\.ipynb(#[^)]*)?\)")
PAGE = re.compile(r"\]\((?:\.\./)?((?:appendix/)?[\w-]+)\.md(#[^)]*)?\)")
# Symbols that Typst has renamed since this version of Pandoc.
RENAMED = {"dot.circle": "dot.o", "times.circle": "times.o", "plus.circle": "plus.o"}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


class Paper:
    """One notebook on its way to paper: the drawings go into a folder, the text into strings."""

    def __init__(
        self,
        notebook: dict,
        docname: str,
        folder: Path,
        site: str,
        stills: dict,
        literature: Path,
    ):
        self.notebook, self.docname, self.folder, self.site = notebook, docname, folder, site
        self.stills, self.literature = stills, literature
        self.text: list[str] = []
        self.end: list[str] = []
        self.place = ""  # the heading above, for what moves to the end

    def source(self, **about: str) -> str:
        """Return the Typst document; `about` goes to the template's function ``chapter``."""
        title, cells = "", self.notebook["cells"]
        after_solution = False
        for number, cell in enumerate(cells):
            text = "".join(cell["source"])
            if cell["cell_type"] == "markdown":
                if not title:
                    title, _, text = text.partition("\n")
                    title = title.removeprefix("# ")
                for heading in re.findall(r"(?m)^#{2,4} (.+)$", FENCE.sub("", text)):
                    self.place = heading
                self.text.append(self.prose(text))
                continue
            tags = cell["metadata"].get("tags", [])
            if text.startswith("# Setup:"):
                continue  # paper runs nothing
            if "solution" in tags:
                self.text.append(self.fold("Solution", self.code(cell, number, show=True)))
            elif not (after_solution and "check" in tags):
                self.text.append(self.code(cell, number, show="hide-input" not in tags))
            after_solution = "solution" in tags
        body = "\n\n".join(self.text)
        if self.end:
            body += "\n\n## Answers and solutions\n\n" + "\n\n".join(self.end)
        arguments = ", ".join(f"{k}: {string(v)}" for k, v in {"title": title, **about}.items())
        head = f'#import "{TEMPLATE.name}": *\n#show: chapter.with({arguments})\n\n'
        return head + self.converted(body)

    def fold(self, name: str, content: str) -> str:
        """Put what is folded to the end, and return the reference that stays in its place."""
        key = f"folded-{len(self.end)}"
        heading = f"{name}. {self.place}" if self.place else name
        self.end.append(typst(f"#unfolded({string(heading)}, {string(key)})") + "\n\n" + content)
        return typst(f"#folded({string(name)}, {string(key)})")

    def prose(self, text: str) -> str:
        """Return a Markdown cell as Pandoc reads it."""
        parts = []
        for index, part in enumerate(FOLD.split(text)):
            if index % 3 == 0:
                parts.append(self.flow(part))
            elif index % 3 == 1:
                name = re.sub(r"</?\w+>", "", part).strip()
            else:
                parts.append(self.fold(name, self.flow(part)))
        return "\n\n".join(parts)

    def flow(self, text: str) -> str:
        pieces = FENCE.split(text)
        pieces[::2] = [self.inline(piece) for piece in pieces[::2]]
        return "".join(pieces)

    def inline(self, text: str) -> str:
        text = CAPTION.sub(lambda m: f"{typst('#caption[')}\n\n{m[1]}\n\n{typst(']')}", text)
        text = NUMBERED.sub(
            lambda m: f"`#numbered({string(m[2])})[`{{=typst}}$${m[1]}{m[3]}$$`]`{{=typst}}", text
        )
        text = CITED.sub(
            lambda m: "[" + "; ".join(f"@{k.strip()}" for k in m[1].split(",")) + "]", text
        )
        text = NOTEBOOK.sub(lambda m: f"]({m[1]}.pdf)", text)  # a fragment names a place on a page
        return PAGE.sub(lambda m: f"]({self.site}{m[1]}.html{m[2] or ''})", text)

    def code(self, cell: dict, number: int, show: bool) -> str:
        """Return a code cell and its outputs."""
        source = "".join(cell["source"]).removeprefix("# @title Solution\n")
        parts = [typst(f"#code({string(source)})")] if show else []
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt", "")
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if VIEW in data:
                parts.append(self.explorer(data[VIEW]["model_id"]))
            elif "image/svg+xml" in data:
                parts.append(self.drawing(f"cell-{number}.svg", data["image/svg+xml"], alt))
            elif "image/png" in data:
                picture = base64.b64decode("".join(data["image/png"]))
                parts.append(self.drawing(f"cell-{number}.png", picture, alt))
            elif output["output_type"] == "error":
                parts.append(printed(f"{output['ename']}: {output['evalue']}"))
            else:
                parts.append(printed("".join(output.get("text") or data["text/plain"])))
        return "\n\n".join(parts)

    def drawing(self, name: str, content: str | list[str] | bytes, alt: str) -> str:
        if isinstance(content, bytes):
            (self.folder / name).write_bytes(content)
        else:
            (self.folder / name).write_text("".join(content), encoding="utf-8")
        return typst(f"#drawing({string(name)}, {string(alt)}, 92%)")

    def explorer(self, view: str) -> str:
        """Return an explorer as it stands when the page is opened."""
        still = self.stills[view]
        files = []
        for index, panel in enumerate(still["panels"]):
            name = f"{view}-{index}.svg"
            (self.folder / name).write_text(panel["svg"], encoding="utf-8")
            files.append(f"({string(name)}, {string(panel['label'])}),")
        return typst(
            f"#explorer(({''.join(files)}), [{markup(still['sentence'])}], "
            f"[{markup(still['sliders'])}])"
        )

    def converted(self, markdown: str) -> str:
        """Return Markdown as Typst; a formula that Pandoc cannot read is an error."""
        command = [pypandoc.get_pandoc_path(), "--from", MARKDOWN, "--to", "typst", "--wrap=none"]
        command += ["--columns=10000", "--shift-heading-level-by=-1", "--fail-if-warnings"]
        command += ["--syntax-highlighting=none", "--citeproc", f"--bibliography={self.literature}"]
        command += ["--metadata=reference-section-title:References", "--metadata=link-citations"]
        done = subprocess.run(command, input=markdown, text=True, capture_output=True, check=False)
        if done.returncode:
            raise ValueError(f"{self.docname}: Pandoc says: {done.stderr.strip()}")
        return re.sub("|".join(map(re.escape, RENAMED)), lambda m: RENAMED[m[0]], done.stdout)


def stills_of(models: dict[str, dict], node: Path, module: Path) -> dict[str, dict]:
    """Return panels, sentence and sliders of every explorer, by the id of its view.

    `models` maps ids of views to what `explorers.reduce_model` gives.
    """
    explorers = []
    for model in models.values():
        (buffer,) = model["buffers"]
        explorers.append({"spec": model["state"]["spec"], "data": buffer["data"]})
    script = TEMPLATE.with_name("explorer-stills.mjs")
    done = subprocess.run(
        [str(node), str(script), str(module)],
        input=json.dumps(explorers),
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"{script.name}: {done.stderr.strip()}")
    stills = {}
    for view, explorer, panels in zip(models, explorers, json.loads(done.stdout), strict=True):
        spec = explorer["spec"]
        stills[view] = {
            "panels": panels,
            "sentence": spec["sentences"][first_position(spec)],
            "sliders": in_words(spec["controls"]),
        }
    return stills


def in_words(controls: list[dict]) -> str:
    """Say what the controls of an explorer set, and where they stand."""
    said = []
    for control in controls:
        labels, start = control["labels"], control["start"]
        if control["kind"] == "choice":
            said.append(f"a list chooses {control['label']} (here: {labels[start]})")
        else:
            said.append(
                f"a slider moves {control['label']} from {labels[0]} to {labels[-1]} "
                f"(here: {labels[start]})"
            )
    return ("; ".join(said[:-1]) + "; and " + said[-1] if len(said) > 1 else said[0]) + "."


def typst(source: str) -> str:
    """Return Typst as a raw block that Pandoc passes on."""
    return f"````{{=typst}}\n{source}\n````"


def printed(text: str) -> str:
    return typst(f"#output({string(ANSI.sub('', text).rstrip())})")


def string(text: str) -> str:
    """Return a Typst string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = escaped.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return f'"{escaped}"'


def markup(text: str) -> str:
    """Return plain text as Typst markup."""
    return re.sub(r"([\\#$*_`<>@~\[\]/=+-])", r"\\\1", text)
