"""Days and seconds to the parts of a date, by arithmetic that is exact in doubles (Gregorian, as Python has it)."""

import math

from mlspec.onnxkit.graph import Graph

BEFORE_1970 = 719_162  # days from 0001-01-01


class Calendar:
    """The parts of dates: ``cells`` are days since 1970-01-01, or seconds (``timed``)."""

    def __init__(self, graph: Graph, cells: str, *, timed: bool) -> None:
        self._graph = graph
        self.days, self.seconds = cells, graph.chain(cells, ("Mul", 0.0))
        if timed:
            self.days = self._floor(cells, 86_400)
            rest = graph.add("Sub", cells, graph.chain(self.days, ("Mul", 86_400)))
            self.seconds = graph.add("Floor", rest)

    def hour(self) -> str:
        """From 0 to 23."""
        return self._floor(self.seconds, 3600)

    def share(self) -> str:
        """How much of the day is over, from 0 to 1."""
        return self._graph.chain(self.seconds, ("Mul", 1 / 86_400))

    def weekday(self) -> str:
        """1 is Monday."""
        return self._graph.chain(self._rest(self._graph.chain(self.days, ("Add", 3)), 7), ("Add", 1))

    def year(self) -> str:
        """The year."""
        return self._parts()[0]

    def month(self) -> str:
        """From 1 to 12."""
        return self._parts()[1]

    def day(self) -> str:
        """From 1 to 31."""
        return self._parts()[2]

    def day_of_year(self) -> str:
        """From 1 to 366."""
        graph, before = self._graph, self._graph.chain(self.year(), ("Sub", 1))
        passed = self._sum(graph.chain(before, ("Mul", 365)), (1, before, 4), (-1, before, 100), (1, before, 400))
        return graph.chain(graph.add("Sub", self.days, passed), ("Add", BEFORE_1970 + 1))

    def days_of_month(self) -> str:
        """From 28 to 31."""
        graph, year, month = self._graph, self.year(), self.month()
        by = {number: graph.add("Equal", self._rest(year, number), graph.constant(0.0)) for number in (4, 100, 400)}
        leap = graph.add("Or", graph.add("And", by[4], graph.add("Not", by[100])), by[400])
        february = graph.where(leap, graph.constant(29.0), graph.constant(28.0))
        odd = self._rest(graph.add("Add", month, self._floor(month, 8)), 2)
        return graph.where(graph.add("Equal", month, graph.constant(2.0)), february, graph.chain(odd, ("Add", 30.0)))

    def _parts(self) -> tuple[str, str, str]:
        """Year, month and day: years begin in March here, so that a leap day is the last one."""
        graph = self._graph
        days = graph.chain(self.days, ("Add", 719_468))
        era = self._floor(days, 146_097)
        of_era = graph.add("Sub", days, graph.chain(era, ("Mul", 146_097)))
        plain = self._sum(of_era, (-1, of_era, 1460), (1, of_era, 36_524), (-1, of_era, 146_096))
        year = self._floor(plain, 365)
        start = self._sum(graph.chain(year, ("Mul", 365)), (1, year, 4), (-1, year, 100))
        of_year = graph.add("Sub", of_era, start)
        month = self._floor(graph.chain(of_year, ("Mul", 5), ("Add", 2)), 153)
        passed = self._floor(graph.chain(month, ("Mul", 153), ("Add", 2)), 5)
        day = graph.chain(graph.add("Sub", of_year, passed), ("Add", 1))
        late = graph.add("Less", month, graph.constant(10.0))
        month = graph.where(late, graph.chain(month, ("Add", 3)), graph.chain(month, ("Sub", 9)))
        whole = graph.add("Add", year, graph.chain(era, ("Mul", 400)))
        early = graph.add("LessOrEqual", month, graph.constant(2.0))
        return graph.where(early, graph.chain(whole, ("Add", 1)), whole), month, day

    def _floor(self, cells: str, number: float) -> str:
        return self._graph.add("Floor", self._graph.chain(cells, ("Div", number)))

    def _rest(self, cells: str, number: float) -> str:
        whole = self._graph.chain(self._floor(cells, number), ("Mul", number))
        return self._graph.add("Sub", cells, whole)

    def _sum(self, start: str, *parts: tuple[int, str, float]) -> str:
        """Some whole quotients added to a number, or taken away."""
        for sign, cells, number in parts:
            start = self._graph.add("Add" if sign > 0 else "Sub", start, self._floor(cells, number))
        return start


def turned(graph: Graph, places: str) -> tuple[str, str]:
    """Sine and cosine of places on a circle from 0 to 1."""
    angle = graph.chain(places, ("Mul", math.tau))
    return graph.add("Sin", angle), graph.add("Cos", angle)
