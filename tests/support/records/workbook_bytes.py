"""Workbooks written byte by byte, as programs other than Excel write them."""

import zipfile
from pathlib import Path

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_MAIN} xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="r2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
}


def text_cell(text: str) -> str:
    """Return a cell of text."""
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def cell(value: str, *, style: int = 0, kind: str = "n") -> str:
    """Return a cell of a number, with the index of its style."""
    return f'<c s="{style}" t="{kind}"><v>{value}</v></c>'


def write_workbook(path: Path, *rows: str, formats: tuple[int, ...] = (0,), fills: str = "", after: str = "") -> Path:
    """Write a workbook of rows of cells; ``formats`` are the built-in number formats of its styles."""
    body = "".join(f"<row>{row}</row>" for row in rows)
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in formats)
    parts = {
        **_PARTS,
        "xl/styles.xml": f"<styleSheet {_MAIN}>{fills}<cellXfs>{styles}</cellXfs></styleSheet>",
        "xl/worksheets/sheet1.xml": f"<worksheet {_MAIN}><sheetData>{body}</sheetData>{after}</worksheet>",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in parts.items():
            book.writestr(name, part)
    return path
