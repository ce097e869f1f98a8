"""All measurements of ``make bench``, one after the other; fails when any of them misses its aim."""

from __future__ import annotations

import sys

from tests.benchmarks import (
    bench_appointments,
    bench_desk,
    bench_generate,
    bench_import,
    bench_messaging,
    bench_mllp,
    bench_pages,
    bench_reports,
    bench_simulate,
    bench_survey,
    bench_trial,
    bench_upkeep,
)

MEASUREMENTS = (
    bench_generate,
    bench_import,
    bench_pages,
    bench_desk,
    bench_messaging,
    bench_simulate,
    bench_mllp,
    bench_trial,
    bench_appointments,
    bench_survey,
    bench_upkeep,
    bench_reports,
)

if __name__ == "__main__":
    sys.exit(max(each.main() for each in MEASUREMENTS))
