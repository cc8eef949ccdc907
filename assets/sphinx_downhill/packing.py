"""Make the numbers and drawings of a page small, without a difference that anyone could see."""

import base64
import re
import zlib

import numpy as np

PATH = re.compile(r'(?<= d=")[^"]*')
PLACE = re.compile(r'(?<= [xy]=")-?\d+\.\d{3,}(?=")')
NUMBER = re.compile(r"-?\d+\.\d+")
METADATA = re.compile(r"<metadata>.*?</metadata>\s*", re.DOTALL)
LONG = 40  # numbers in a path; shorter ones may be the shape of a marker


def packed(data: str) -> dict[str, str]:
    """Return base64 of float32 numbers as an encoding and a text, from a third to two thirds of it.

    The four bytes of the numbers are sorted into four planes, in which neighbours resemble one
    another, and deflated. Where it helps, each number is first replaced by its difference from the
    one before it, both taken as integers. `explorer-loader.js` undoes it.
    """
    numbers = np.frombuffer(base64.b64decode(data), "<u4")
    differences = np.diff(numbers, prepend=np.uint32(0))  # wraps around, as the loader's sum does
    texts = {
        encoding: base64.b64encode(zlib.compress(planes(values), 9)).decode()
        for encoding, values in {"planes": numbers, "differences": differences}.items()
    }
    encoding = min(texts, key=lambda name: len(texts[name]))
    return {"encoding": encoding, "data": texts[encoding]}


def planes(values: np.ndarray) -> bytes:
    return values.astype("<u4").view(np.uint8).reshape(-1, 4).T.tobytes()


def lighter(svg: str) -> str:
    """Return a drawing of Matplotlib's with coordinates to a tenth or hundredth of a point."""
    svg = METADATA.sub("", svg, count=1)
    svg = PATH.sub(lambda path: rounded_path(path[0]), svg)
    return PLACE.sub(lambda number: rounded(number[0], 2), svg)


def rounded_path(path: str) -> str:
    digits = 1 if len(NUMBER.findall(path)) > LONG else 2
    path = NUMBER.sub(lambda number: rounded(number[0], digits), path)
    return re.sub(r"\s*\n\s*", "", path).strip()


def rounded(number: str, digits: int) -> str:
    text = f"{float(number):.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
