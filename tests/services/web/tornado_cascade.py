# SPDX-License-Identifier: Apache-2.0
"""A sheet of cells that depend on one another; a change is carried on by callbacks of the loop."""
import random

from tornado import httpserver, ioloop, web

import service

LEVELS, WIDTH, FAN_OUT = 7, 20, 4


class Cell:
    def __init__(self, level, number):
        self.level, self.number, self.value = level, number, 0.0
        self.sources, self.dependents = [], []

    def feed(self, other):
        self.dependents.append(other)
        other.sources.append(self)

    def recalculate(self):
        if self.sources:
            self.value = sum(source.value for source in self.sources) / len(self.sources)


class Sheet:
    """Each change tells each dependent, which recalculates and tells its own: a cell is told as often as there are ways to it."""

    def __init__(self):
        self.levels = [[Cell(level, number) for number in range(WIDTH)] for level in range(LEVELS)]
        for upper, lower in zip(self.levels, self.levels[1:]):
            for cell in upper:
                for i in range(FAN_OUT):
                    cell.feed(lower[(cell.number + i) % WIDTH])

    def change(self):
        cell = random.choice(self.levels[0])
        cell.value = random.random()
        self.changed(cell)

    def changed(self, cell):
        for dependent in cell.dependents:
            ioloop.IOLoop.current().add_callback(self.update, dependent)

    def update(self, cell):
        cell.recalculate()
        self.changed(cell)


class OrderlySheet(Sheet):
    """A change marks what depends on it; marked cells recalculate once, level by level."""

    def __init__(self):
        super().__init__()
        self.dirty = set()

    def changed(self, cell):
        if cell.dependents and not self.dirty:
            ioloop.IOLoop.current().add_callback(self.flush)
        self.dirty.update(cell.dependents)

    def flush(self):
        marked, self.dirty = self.dirty, set()
        for cell in sorted(marked, key=lambda cell: cell.number):
            self.update(cell)


class Ping(web.RequestHandler):
    def get(self):
        self.write({"status": "ok"})


class Change(web.RequestHandler):
    def get(self):
        sheet.change()
        self.write({"changed": True})


sheet = Sheet() if service.SICK else OrderlySheet()
listener = service.listening_socket()
listener.setblocking(False)
server = httpserver.HTTPServer(web.Application([("/ping", Ping), ("/change", Change)]))
server.add_socket(listener)
service.announce(listener.getsockname()[1], "/ping", "/change:0.9")
ioloop.IOLoop.current().start()
