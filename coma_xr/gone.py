"""Names of Coma 2 that coma_xr does not have, and what to use instead."""

from __future__ import annotations

from coma_xr.errors import MissingAttributeError

_READ = "Read a file with coma_xr.read_tree(path). Write one with json.dump(tree, file)."
_OBJECTS = "run() and NewMeasurement.save() take objects. Restore them with Measurement.restore(Class)."
_ERROR = "Catch coma_xr.DataFileError."

# What to use instead of the public names of Coma 2 that coma_xr does not have; the documentation has the same table.
GONE = {
    "Archive": _READ,
    "JsonArchive": _READ,
    "XMLArchive": _READ,
    "ArchiveError": _ERROR,
    "JsonArchiveError": _ERROR,
    "XMLArchiveError": _ERROR,
    "archive_exists": "Use os.path.exists(path), with the ending .json or .xml.",
    "Serializer": _OBJECTS,
    "RecursiveSerializer": _OBJECTS,
    "FileMeasurement": "Save with Experiment.new_measurement(). Read with Experiment.measurement(id).",
    "MemoryMeasurement": "Read with Experiment.measurement(id), which also reads inactive experiments.",
    "IndexFile": "Read the index with Experiment.mindex.get(). coma_xr writes it.",
    "create_config_file": "Use coma_xr.create_default_config().",
    "expand_path": "Use os.path.expanduser(path).",
    "Experiment.archive": "The experiment file is written by the methods of the experiment.",
    "Experiment.save_measurements": "run() saves each measurement as soon as it is available.",
    "Experiment.pclient": "Pass executor= to run(), such as ipyparallel's client.executor().",
    "Experiment.pview": "Pass executor= to run(), such as ipyparallel's client.executor().",
    "Experiment.tasks": "run() returns a report. Experiment.runs() lists the runs that are going on.",
    "Measurement.save": "Stored measurements are read-only. Save a copy with new_measurement().save(m.tree).",
}


def module_error(name: str) -> AttributeError | None:
    """Return the error for a public name of Coma 2 that is gone; None for other names."""
    if name not in GONE:
        return None
    return MissingAttributeError(f"coma_xr has no '{name}', which was part of Coma 2.", ways=[GONE[name]])
