"""The parts of a Word file that are the same for every document, and the archive they are packed in."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from html import escape

from trainer.convert.direction import Direction

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
SPACES = (
    f'xmlns:w="{W}" xmlns:r="{_R}" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)


def pack(parts: Mapping[str, bytes | str]) -> bytes:
    """The parts as one archive: sorted, undated, so that equal parts give equal bytes."""
    buffer = io.BytesIO()
    first = "[Content_Types].xml"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in [first, *sorted(set(parts) - {first})]:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            archive.writestr(info, parts[name])
    return buffer.getvalue()


def content_types() -> str:
    """What each part holds."""
    overrides = {
        "document": "document.main", "styles": "styles", "numbering": "numbering", "footnotes": "footnotes",
        "settings": "settings", "footer1": "footer",
    }  # fmt: skip
    kinds = {"rels": "application/vnd.openxmlformats-package.relationships+xml", "xml": "application/xml"}
    kinds |= {"png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml"}
    return (
        f'{HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        + "".join(f'<Default Extension="{ending}" ContentType="{kind}"/>' for ending, kind in kinds.items())
        + "".join(
            f'<Override PartName="/word/{part}.xml" ContentType="{_OFFICE}.{kind}+xml"/>'
            for part, kind in overrides.items()
        )
        + '<Override PartName="/docProps/core.xml" '
        'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>'
    )


def package_relations() -> str:
    """What the package consists of."""
    return (
        f'{HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_R}/officeDocument" Target="word/document.xml"/>'
        f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
        "</Relationships>"
    )


def relations(links: Mapping[str, str], images: Mapping[str, str]) -> str:
    """What the document refers to: its own parts, pictures and addresses."""
    own = ("styles", "numbering", "footnotes", "settings")
    entries = [f'<Relationship Id="own{part}" Type="{_R}/{part}" Target="{part}.xml"/>' for part in own]
    entries.append(f'<Relationship Id="ownfooter" Type="{_R}/footer" Target="footer1.xml"/>')
    entries += [f'<Relationship Id="{ident}" Type="{_R}/image" Target="{path}"/>' for path, ident in images.items()]
    entries += [
        f'<Relationship Id="{ident}" Type="{_R}/hyperlink" Target="{escape(address)}" TargetMode="External"/>'
        for address, ident in links.items()
    ]
    return f'{HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{"".join(entries)}</Relationships>'


def properties(title: str, author: str, created: str) -> str:
    """Title, author and date; the date only where the document says it."""
    date = f'<dcterms:created xsi:type="dcterms:W3CDTF">{escape(created)}</dcterms:created>' if created else ""
    return (
        f'{HEAD}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>{date}</cp:coreProperties>"
    )


def settings() -> str:
    """Settings of the document."""
    return f'{HEAD}<w:settings {SPACES}><w:defaultTabStop w:val="720"/></w:settings>'


def footer() -> str:
    """The page's number at the foot."""
    return (
        f'{HEAD}<w:ftr {SPACES}><w:p><w:pPr><w:jc w:val="right"/></w:pPr>'
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p></w:ftr>'
    )


def numbering(ordered: list[int]) -> str:
    """Bullets, and one numbering for each ordered list, from its own start."""
    marks = ("•", "◦", "▪")
    bullets = "".join(_level(at, "bullet", marks[at % 3]) for at in range(9))
    numbers = "".join(_level(at, ("decimal", "lowerLetter", "lowerRoman")[at % 3], f"%{at + 1}.") for at in range(9))
    lists = "".join(
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="1"/>'
        + "".join(f'<w:lvlOverride w:ilvl="{at}"><w:startOverride w:val="{start}"/></w:lvlOverride>' for at in range(9))
        + "</w:num>"
        for number, start in enumerate(ordered, 2)
    )
    return (
        f'{HEAD}<w:numbering {SPACES}><w:abstractNum w:abstractNumId="0">{bullets}</w:abstractNum>'
        f'<w:abstractNum w:abstractNumId="1">{numbers}</w:abstractNum>'
        f'<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{lists}</w:numbering>'
    )


def _level(at: int, kind: str, text: str) -> str:
    indent = 360 * (at + 1)
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/>'
        f'<w:lvlJc w:val="left"/><w:pPr><w:ind w:left="{indent}" w:hanging="360"/></w:pPr></w:lvl>'
    )


_SIZES = {1: 34, 2: 29, 3: 23, 4: 20, 5: 20, 6: 20}
"""Half points of the headings, by level."""

_PARAGRAPHS = (
    ("Title", "Title", '<w:spacing w:after="60"/>', '<w:b/><w:color w:val="14304B"/><w:sz w:val="46"/>'),
    ("Subtitle", "Subtitle", '<w:spacing w:after="160"/>', '<w:color w:val="5B6875"/><w:sz w:val="24"/>'),
    (
        "Caption",
        "caption",
        '<w:keepNext/><w:spacing w:before="160" w:after="80"/>',
        '<w:color w:val="5B6875"/><w:sz w:val="18"/>',
    ),
    (
        "Quote",
        "Quote",
        '<w:pBdr><w:left w:val="single" w:sz="18" w:space="10" w:color="DDE3E8"/></w:pBdr><w:ind w:left="300"/>',
        '<w:color w:val="5B6875"/>',
    ),
    (
        "SourceCode",
        "Source Code",
        '<w:shd w:val="clear" w:color="auto" w:fill="F3F5F7"/>'
        '<w:spacing w:after="120" w:line="240" w:lineRule="auto"/>',
        '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/><w:sz w:val="18"/>',
    ),
    (
        "TableText",
        "Table Text",
        '<w:spacing w:before="30" w:after="30" w:line="240" w:lineRule="auto"/>',
        '<w:sz w:val="18"/>',
    ),
    ("TableTextSmall", "Table Text Small", '<w:spacing w:before="20" w:after="20"/>', '<w:sz w:val="13"/>'),
    (
        "TableEnd",
        "Table End",
        '<w:spacing w:before="0" w:after="60" w:line="120" w:lineRule="exact"/>',
        '<w:sz w:val="10"/>',
    ),
    ("FootnoteText", "footnote text", '<w:spacing w:after="40"/>', '<w:sz w:val="17"/>'),
)
"""Identity, name, and what it says of paragraph and letters."""

_CHARACTERS = (
    ("Hyperlink", "Hyperlink", '<w:color w:val="1C5A94"/><w:u w:val="single"/>'),
    (
        "VerbatimChar",
        "Verbatim Char",
        '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/><w:sz w:val="19"/>',
    ),
    ("FootnoteReference", "footnote reference", '<w:vertAlign w:val="superscript"/>'),
)

_TABLE = (
    '<w:style w:type="table" w:styleId="Report"><w:name w:val="Report"/><w:tblPr><w:tblBorders>'
    '<w:top w:val="single" w:sz="12" w:color="1F4E79"/><w:bottom w:val="single" w:sz="6" w:color="1F4E79"/>'
    '<w:insideH w:val="single" w:sz="4" w:color="DDE3E8"/></w:tblBorders></w:tblPr>'
    '<w:tblStylePr w:type="firstRow"><w:rPr><w:b/><w:color w:val="14304B"/></w:rPr></w:tblStylePr></w:style>'
)


def styles(language: str, direction: Direction) -> str:
    """The styles of the theme: text, headings, code, quotes, captions, tables and notes."""
    from_right = direction == "rtl"
    complex_script = f' w:bidi="{escape(language)}"' if from_right else ""
    turned = "<w:bidi/>" if from_right else ""
    return (
        f"{HEAD}<w:styles {SPACES}><w:docDefaults><w:rPrDefault><w:rPr>"
        '<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:cs="Calibri" w:eastAsia="Calibri"/><w:sz w:val="21"/>'
        f'<w:lang w:val="{escape(language)}"{complex_script}/></w:rPr></w:rPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
        f'<w:pPr>{turned}<w:spacing w:after="120" w:line="276" w:lineRule="auto"/></w:pPr></w:style>'
        + "".join(_heading(level, size) for level, size in _SIZES.items())
        + "".join(_style(*style) for style in _PARAGRAPHS)
        + "".join(_character(*style) for style in _CHARACTERS)
        + _TABLE
        + "</w:styles>"
    )


def _heading(level: int, size: int) -> str:
    return _style(
        f"Heading{level}",
        f"heading {level}",
        f'<w:keepNext/><w:spacing w:before="{360 if level < 3 else 240}" w:after="100"/>'
        f'<w:outlineLvl w:val="{level - 1}"/>',
        f'<w:b/><w:color w:val="14304B"/><w:sz w:val="{size}"/>',
    )


def _style(ident: str, name: str, paragraph: str, run: str) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{ident}"><w:name w:val="{name}"/><w:basedOn w:val="Normal"/>'
        f'<w:next w:val="Normal"/><w:qFormat/><w:pPr>{paragraph}</w:pPr><w:rPr>{run}</w:rPr></w:style>'
    )


def _character(ident: str, name: str, run: str) -> str:
    return f'<w:style w:type="character" w:styleId="{ident}"><w:name w:val="{name}"/><w:rPr>{run}</w:rPr></w:style>'
