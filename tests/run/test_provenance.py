from coma_xr.run.plan import Versions


def test_several_versions_of_one_program_are_told_and_of_two_programs_are_not():
    versions = Versions()
    for id, (program, version) in enumerate([("a", "1"), ("b", "2"), ("a", "1"), (None, None)], 1):
        versions.note({"program": program, "version": version}, id)
    assert versions.warning() is None
    versions.note({"program": "b", "version": 3}, 9)
    assert versions.warning() == (
        "The measurements are of several versions of b: 2 (measurement 2), 3 (measurement 9). All of them count "
        "as done. Use a new experiment or a parameter to distinguish them."
    )
