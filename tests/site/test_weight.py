"""What a page costs a reader on a slow line, gzip and headers included."""

LIMIT = 300_000


def report(name, sizes, capsys):
    with capsys.disabled():
        print(f"\n  {name}: {sum(sizes.values()) / 1000:.0f} kB in {len(sizes)} requests")


def test_a_chapter_transfers_at_most_300_kB(chapter, address, visit, capsys):
    sizes = visit(f"{address}/{chapter}").sizes()
    report(chapter, sizes, capsys)
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:5]
    assert sum(sizes.values()) <= LIMIT, heaviest


def test_the_index_transfers_at_most_300_kB(address, visit, capsys):
    sizes = visit(f"{address}/index.html").sizes()
    report("index.html", sizes, capsys)
    assert sum(sizes.values()) <= LIMIT, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def test_nothing_but_the_style_sheet_blocks_the_first_paint(chapter, address, visit):
    page = visit(f"{address}/{chapter}").page
    blocking = page.evaluate("""() => performance.getEntriesByType("resource")
        .filter((entry) => entry.renderBlockingStatus === "blocking").map((entry) => entry.name)""")
    assert [url.rsplit("/", 1)[-1].split("-")[0] for url in blocking] == ["book"]
