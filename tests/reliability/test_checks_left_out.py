"""Each check, lock and rename of the storage is needed: a test fails without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability.mutants import FAILED, Mutant, outcomes

pytestmark = pytest.mark.ci

ROOT = Path(__file__).parents[2]

FILES, STATE = "tests/test_files.py", "tests/store/test_state.py"
CYCLE, LOCKS = "tests/store/test_life_cycle.py", "tests/store/test_locks.py"
CACHE, UNREADABLE = "tests/store/test_cache.py", "tests/store/test_unreadable.py"
ACCESSOR = "tests/plugins/test_accessor.py"
NEAR_ZERO = "test_near_zero_a_label_is_meant_that_is_zero_except_for_rounding_errors"
CUTS = "tests/reliability/test_power_cuts.py::test_a_power_cut_at_any_moment_loses_nothing"


def of(file: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{file}::{name}" for name in names)


MUTANTS = [
    # What is read back and compared before something takes a place, or goes.
    Mutant(
        "files:replace",
        "if verify and read(temporary, limit=len(data)) != data:",
        "if False:",
        of(FILES, "test_what_reads_back_differently_does_not_take_the_place"),
    ),
    Mutant(
        "store.layout:Layout.write_experiment",
        "verify=True)\n        other = self.packed_file",
        "verify=False)\n        other = self.packed_file",
        of(CYCLE, "test_an_archive_that_does_not_read_back_deletes_nothing"),
    ),
    Mutant(
        "store.layout:Layout.write_experiment",
        "files.replace(path, packed, verify=True)",
        "files.replace(path, packed, verify=False)",
        of(CYCLE, "test_an_archive_that_does_not_read_back_deletes_nothing"),
    ),
    Mutant(
        "store.layout:Layout.write_experiment",
        "if unpack(packed, len(text)) != text:",
        "if False:",
        of(CYCLE, "test_an_archive_that_is_packed_wrongly_deletes_nothing"),
    ),
    Mutant(
        "store.upkeep:_checked",
        "if again != text:",
        "if False:",
        of(CYCLE, "test_an_archive_that_would_be_read_differently_deletes_nothing"),
    ),
    # Renames and links that do not overwrite, or do it in one step.
    Mutant(
        "files:replace",
        "_patiently(lambda: os.replace(temporary, path))",
        "(os.path.lexists(path) and os.unlink(path), os.rename(temporary, path))",
        of(CUTS.partition("::")[0], "test_a_power_cut_at_any_moment_loses_nothing[description and tags]"),
    ),
    Mutant(
        "files:swap",
        "if not number:",
        "if False:",
        of(FILES, "test_what_another_process_writes_between_is_not_lost"),
    ),
    Mutant(
        "files:swap",
        "_link(temporary, path)",
        "os.replace(temporary, path)",
        of(FILES, "test_a_file_that_is_made_between_is_not_overwritten"),
    ),
    Mutant(
        "files:_link",
        "os.link(temporary, path)",
        "os.replace(temporary, path)",
        of(FILES, "test_create_never_takes_the_place_of_another"),
    ),
    Mutant(
        "files:_link",
        "if os.stat(temporary).st_nlink != 2:",
        "if True:",
        of(FILES, "test_a_link_whose_answer_got_lost_counts"),
    ),
    Mutant(
        "files:_link_otherwise",
        "_rename(temporary, path, _NO_REPLACE)",
        "_rename(temporary, path, 0)",
        of(FILES, "test_without_hard_links_nothing_is_overwritten_either"),
    ),
    Mutant(
        "files:_link_otherwise",
        "_write_new(path, read(temporary), sync=True)",
        "os.replace(temporary, path)",
        of(FILES, "test_without_hard_links_nothing_is_overwritten_either"),
    ),
    Mutant(
        "files:_write_new",
        "os.unlink(path)",
        "pass",
        of(FILES, "test_without_hard_links_a_full_disk_leaves_no_half_file"),
    ),
    Mutant(
        "files:link",
        "if not os.path.samestat(os.lstat(path), os.lstat(new)):",
        "if False:",
        of(FILES, "test_a_file_gets_a_second_name_that_no_other_file_has"),
    ),
    Mutant(
        "files:move",
        "_rename(path, new, _NO_REPLACE)",
        "_rename(path, new, 0)",
        of(FILES, "test_moving_again_finishes_with_an_equal_copy_under_the_new_name"),
    ),
    Mutant(
        "files:move",
        "elif number == errno.EEXIST and _is_same(path, new):",
        "elif number == errno.EEXIST:",
        of(FILES, "test_moving_again_finishes_with_an_equal_copy_under_the_new_name"),
    ),
    Mutant(
        "files:create_directory",
        "_rename(temporary, path, _NO_REPLACE)",
        "_rename(temporary, path, 0)",
        of(FILES, "test_a_directory_is_made_never_in_the_place_of_another"),
    ),
    Mutant(
        "files:discard_directory",
        "os.rename(path, temporary)\n        shutil.rmtree(temporary)",
        "shutil.rmtree(path)",
        of(FILES, "test_a_directory_goes_in_one_step"),
    ),
    Mutant(
        "files:placing",
        "_link(temporary, path)",
        "os.replace(temporary, path)",
        of(FILES, "test_placing_does_not_overwrite_what_came_meanwhile"),
    ),
    Mutant(
        "files:_place_directory",
        "_EXCHANGE if overwrite and exists(path) else _NO_REPLACE",
        "0",
        of(FILES, "test_a_placed_directory_never_takes_the_place_of_another"),
    ),
    # Kinds and sizes of files, before they are read.
    Mutant(
        "files:read",
        "if size > limit:",
        "if False:",
        of(FILES, "test_a_file_beyond_the_limit_is_refused_before_it_is_read"),
    ),
    Mutant(
        "files:_status_of_regular",
        "if not stat.S_ISREG(status.st_mode):",
        "if False:",
        of(
            FILES,
            "test_a_pipe_is_refused_without_waiting_for_a_writer",
            "test_a_directory_and_a_socket_are_refused",
        ),
    ),
    Mutant(
        "files:_status_of_regular",
        "if status.st_size > max(_LONGEST_OF_HOLES, 100 * stored):",
        "if False:",
        of(FILES, "test_a_file_of_holes_is_not_read"),
    ),
    Mutant(
        "files:sha256",
        "if actual != size:",
        "if False:",
        of(FILES, "test_a_digest_of_another_size_is_not_computed"),
    ),
    Mutant(
        "files:exists",
        'raise refusal(error, "look for", path) from error',
        "return False",
        of(UNREADABLE, "test_a_name_that_cannot_be_looked_for_may_be_there"),
    ),
    # Locks.
    Mutant(
        "store.place:ExperimentDirectory._alone",
        "refuse_while_running(self.path, what, now.names)",
        "pass",
        of(LOCKS, "test_while_a_run_lives_nobody_archives_or_resets"),
    ),
    Mutant(
        "store.place:ExperimentDirectory.changing",
        "with lock(self._layout.path(LOCK), wait=_WAIT):",
        "if True:",
        of(LOCKS, "test_changes_wait_for_each_other"),
    ),
    Mutant(
        "store.place:ExperimentDirectory.running",
        "stack.enter_context(run_lock(self.path, shard))",
        "pass",
        of(LOCKS, "test_a_run_ends_with_its_block"),
    ),
    Mutant(
        "store.locks:_acquired",
        "if identity is None:",
        "if False:",
        of(LOCKS, "test_a_lock_makes_no_directory"),
    ),
    Mutant(
        "files:is_held",
        "return True",
        "return False",
        of(FILES, "test_whether_a_lock_is_held_is_asked_without_a_trace"),
    ),
    # What is compared before something is taken for a copy, and goes.
    Mutant(
        "store.upkeep:_all_trees",
        "if not all(documents.same(tree, other) for _, other in others):",
        "if False:",
        of(CYCLE, "test_a_different_file_beside_an_archive_is_in_the_way_of_both_directions"),
    ),
    Mutant(
        "store.upkeep:_read_all",
        "if store.problems:",
        "if False:",
        of(CYCLE, "test_a_file_that_cannot_be_read_stops_the_archiving_before_anything_is_changed"),
    ),
    Mutant(
        "store.upkeep:_is_there",
        "if not same:",
        "if False:",
        of(CYCLE, "test_something_else_under_the_name_is_not_overwritten"),
    ),
    Mutant(
        "store.upkeep:_archived",
        "if bad:",
        "if False:",
        of(CYCLE, "test_an_archive_with_two_measurements_of_one_id_is_not_torn_apart"),
    ),
    Mutant(
        "store.upkeep:reset",
        "_is_there(path, text, archive)",
        "pass",
        of(CYCLE, "test_a_different_file_beside_an_archive_is_in_the_way_of_a_reset"),
    ),
    Mutant(
        "store.layout:Layout._load_either",
        "if not (plain.active or packed.active or documents.same(plain.measurements, packed.measurements)):",
        "if False:",
        of(CYCLE, "test_equal_archives_count_once_and_different_ones_are_an_error"),
    ),
    Mutant(
        "store.removing:restore",
        "if gone:",
        "if False:",
        of("tests/store/test_removing.py", "test_a_measurement_that_lacks_a_file_is_not_restored"),
    ),
    Mutant(
        "store.removing:remove",
        "if unknown:",
        "if False:",
        of("tests/store/test_removing.py", "test_an_unknown_id_changes_nothing"),
    ),
    Mutant(
        "store.state:save",
        "if base.foreign:",
        "if False:",
        of(STATE, "test_a_coma_json_of_another_program_is_never_overwritten"),
    ),
    Mutant(
        "store.state:_forget_old",
        "if name == base.damaged or not _is_within(documents.load(path, ROOT), name, base.sections):",
        "if False:",
        of(STATE, "test_what_both_files_hold_differently_is_kept_aside"),
    ),
    Mutant(
        "store.state:StateDocument.check_known",
        "if self.refusal is not None:",
        "if False:",
        of(UNREADABLE, "test_no_change_goes_on_without_the_state"),
    ),
    # The tolerance of labels near zero.
    Mutant("plugins.matching:_equal", "min(_ROUNDING", "min(0 * _ROUNDING", of(ACCESSOR, NEAR_ZERO)),
    Mutant("plugins.matching:_equal", "min(_ROUNDING", "min(1e3 * _ROUNDING", of(ACCESSOR, NEAR_ZERO)),
    # The cache.
    Mutant(
        "store.cache:CacheFolder.read",
        "return body if is_whole else None",
        "return body",
        of(CACHE, "test_a_damaged_cache_is_ignored_and_written_anew"),
    ),
    Mutant(
        "store.cache:MeasurementCache.find",
        "& (stamps[rows] == piece.stamps).all(axis=1)",
        "",
        of(CACHE, "test_a_second_look_reads_only_what_changed"),
    ),
    Mutant(
        "store.cache:_checked",
        "piece.check()",
        "pass",
        of(CACHE, "test_a_cache_altered_on_purpose_is_ignored_where_files_cannot_hold_it"),
    ),
    Mutant(
        "store.cache:_checked",
        "if ids != block.ids:",
        "if False:",
        of(CACHE, "test_a_cache_of_what_is_no_measurement_is_ignored"),
    ),
]


@pytest.mark.timeout(900)
def test_without_a_check_a_test_fails(tally):
    counted = tally("checks left out")
    for mutant, ended in zip(MUTANTS, outcomes(MUTANTS, ROOT), strict=True):
        with counted:
            assert ended == FAILED, f"{mutant}: pytest ended with {ended}"
