"""Damage laboratory files, tables and archives at random and look at them: no crash, no hang, no memory beyond a bound.

Run: python -P benchmarks/fuzz_ivd.py MINUTES [FOLDER]

Without a folder, files of each form are made here. Damage, limits and the report are those of `fuzz_waveform`. A
damaged file goes through the one door to all forms; one that is an archive is unpacked under small limits.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from types import ModuleType


def looked_at(path: Path) -> str:
    """The kind and outcome of a file; members of an archive are counted."""
    from medassay.formats import archive
    from medassay.formats.recognise import examine_file

    if archive.is_archive(path):
        limits = archive.Limits(members=100, bytes=1 << 26, small=1 << 24)
        with tempfile.TemporaryDirectory() as folder:
            members = list(archive.unpack(path, Path(folder), limits))
        refused = sum(member.path is None for member in members)
        return f"archive: {'all' if not refused else 'some' if refused < len(members) else 'none'} taken"
    examined = examine_file(path)
    stopped = next((f.found for f in examined.findings if "stopped at" in f.found), "")
    if stopped:
        raise RuntimeError(f"{examined.kind}: {stopped}")  # a damage that no reader tells by its own words
    return f"{examined.kind}: {'refused' if examined.refused else 'described'}"


def make_seeds(folder: Path) -> None:
    """A file of each form."""
    import flowio
    import pyarrow as pa

    from medassay.formats.ivd.astm import ETX, STX, checksum
    from medassay.formats.ivd.write_table import write_delimited, write_workbook

    folder.mkdir()
    header = "MSH|^~\\&|LAB|A|LIS|B|20250101||ORU^R01|1|P|2.4||||||UNICODE UTF-8"
    lines = [
        "PID|1||X1",
        "OBR|1",
        "OBX|1|NM|718-7^血红蛋白^LN||96|g/L|115-150|L|||F",
        "OBX|2|SN|1988-5^CRP^LN||<^0.5|mg/L",
    ]
    message = "\r".join([header, *lines])
    (folder / "message.hl7").write_text(message)
    (folder / "batch.hl7").write_text(
        "\r".join(["FHS|^~\\&", "BHS|^~\\&", message, message, "BTS|2", "FTS|1"])
    )
    records = [b"H|\\^&", b"P|1", b"O|1", b"R|1|^^^CRP|<0.5|mg/L|0-10|N||F", b"L|1|N"]
    frames = [(str(n % 8).encode(), record + b"\r") for n, record in enumerate(records, 1)]
    (folder / "frames.astm").write_bytes(
        b"".join(STX + n + text + ETX + checksum(n, text, ETX).encode() + b"\r\n" for n, text in frames)
    )
    stream = io.BytesIO()
    flowio.create_fcs(stream, [float(n) for n in range(400)], ["FSC-A", "SSC-A"])
    (folder / "events.fcs").write_bytes(stream.getvalue())
    quantity = {"value": 6.3, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    code = {"coding": [{"system": "http://loinc.org", "code": "15074-8"}]}
    resource = {"resourceType": "Observation", "status": "final", "code": code, "valueQuantity": quantity}
    (folder / "observation.json").write_text(json.dumps(resource))
    (folder / "bundle.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}] * 3})
    )
    (folder / "observation.xml").write_text(
        '<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="a"/></code></Observation>'
    )
    (folder / "boxes.xml").write_text(
        "<annotation><filename>a.jpg</filename><size><width>9</width><height>9</height></size><object><name>RBC</name>"
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object></annotation>"
    )
    (folder / "boxes.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg", "width": 9, "height": 9}],'
        ' "categories": [{"id": 7, "name": "RBC"}],'
        ' "annotations": [{"id": 1, "image_id": 1, "category_id": 7, "bbox": [1, 1, 2, 3]}]}'
    )
    (folder / "conversation.txt").write_text(
        '<OBS.R01><HDR><HDR.message_type V="OBS.R01"/><HDR.creation_dttm V="2020-01-01T00:00:00"/></HDR><SVC><OBS>'
        '<OBS.observation_id V="HbA1c"/><OBS.value V="64" U="mmol/mol"/></OBS></SVC></OBS.R01>\n' * 3
    )
    panel = [
        ["检验项目", "结果", "单位", "参考范围"],
        ["白细胞", "11.8↑", "10^9/L", "3.5-9.5"],
        ["尿蛋白", "±", None, "阴性"],
    ]
    (folder / "panel.csv").write_bytes(write_delimited(panel * 20, encoding="gbk"))
    (folder / "panel.xlsx").write_bytes(write_workbook(panel))
    trace = [
        ["Date", "CGM (mg / dl)"],
        *[[f"2021-05-04 10:{minute:02}", 100.0 + minute] for minute in range(50)],
    ]
    (folder / "trace.csv").write_bytes(write_delimited(trace, encoding="utf-8", delimiter=";"))
    with zipfile.ZipFile(folder / "curves.rdml", "w") as container:
        container.writestr(
            "rdml_data.xml", "<rdml version='1.1'><react><adp><fluor>1.5</fluor></adp></react></rdml>"
        )
    with zipfile.ZipFile(folder / "files.zip", "w", zipfile.ZIP_DEFLATED) as container:
        container.writestr("检验/a.hl7", message)
        container.writestr("b.csv", "a,b\n1,2\n")
    with tarfile.open(folder / "files.tar.gz", "w:gz") as container_tar:
        container_tar.add(folder / "panel.csv", "panel.csv")
        container_tar.add(folder / "files.zip", "in/files.zip")
    (folder / "panel.csv.zst").write_bytes(
        pa.Codec("zstd").compress((folder / "panel.csv").read_bytes(), asbytes=True)
    )


def neighbour(name: str) -> ModuleType:
    """A script beside this one; the folder is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise FileNotFoundError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.exit(neighbour("fuzz_waveform").main(looked_at, make_seeds))
