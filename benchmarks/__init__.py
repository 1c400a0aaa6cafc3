"""Side-by-side timings: the program against the way the published code works, on one machine, in turn.

`make bench` runs every row, prints the table of goals and writes ``benchmarks/results/*.json``;
`python -m benchmarks document` writes ``docs/performance.md`` from those files.

    pairs.py        run two sides in turn, each in a process of its own; medians, spreads, memory
    child.py        such a process
    machine.py      processor, threads, versions
    peaks.py        what the same libraries reach at best: bytes a second, operations a second
    sources.py      the images that rows work on, and lakes made of them
    stack.py        a Prefect stack of the benchmarks' own, with a trained night
    own_time.py     how much of a thread's time goes into the project's own code
    row.py          what a row of the table is, and how it is judged
    rows/           one module a row or a few
    reference/      the baseline, written anew in the way the published code works
    results.py      results as JSON
    table.py        the printed table
    document.py     docs/performance.md
"""
