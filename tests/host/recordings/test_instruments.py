"""Tables as instruments, phones, control systems and data bases export them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from nearhum_host.errors import HostError
from nearhum_host.recordings.reader import read
from nearhum_host.recordings.tables.meaning import Named

N = 400
XY = np.round(np.random.default_rng(6).normal(0, 1, (N, 2)), 4)


def rows(first: Callable[[int], object], between: str = ",", last: str = "") -> list[str]:
    return [between.join([str(first(i)), *map(str, row)]) + last for i, row in enumerate(XY)]


def at(i: int) -> str:
    return f"2026-03-04 10:00:{i // 50:02}.{i % 50 * 20:03}"


TEKTRONIX = ["Model,MSO24", "Firmware Version,1.26", "", "Waveform Type,ANALOG", "Point Format,Y"]
TEKTRONIX += ["Sample Interval,1.6e-05", "Gating,0.0% to 100.0%", "Probe Attenuation,1,1"]
TEKTRONIX += ["Vertical Units,V,V", "Vertical Offset,0,0", "Vertical Scale,0.5,1", ",,", "Label,,"]
LECROY = ["LECROYWS104Xs,12345,Waveform", "Segments,1,SegmentSize,400"]
LECROY += ["Segment,TrigTime,TimeSinceSegment1", "#1,04-Mar-2026 10:00:00,0"]
LVM = ["LabVIEW Measurement\t", "Separator\tTab", "Decimal_Separator\t,", "Date\t2026/03/04"]
LVM += ["Time\t10:00:00,1234", "***End_of_Header***\t", "\t", "Channels\t2\t\t"]
LVM += ["Delta_X\t0,020000\t0,020000\t", "***End_of_Header***\t\t\t"]
TOA5 = ['"TOA5","CR1000","CR1000","1"', '"TIMESTAMP","RECORD","a","T_C"']
TOA5 += ['"TS","RN","g","Deg C"', '"","","Avg","Smp"']
INFLUX = ["#group,false,false,true,true,false,false,true"]
INFLUX += ["#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string"]
INFLUX += ["#default,_result,,,,,,", ",result,table,_start,_stop,_time,_value,_field"]
SPAN = "2026-03-04T09:00:00Z,2026-03-04T11:00:00Z"

READ = {
    "tektronix": ([*TEKTRONIX, "TIME,a,b", *rows(lambda i: f"{i / 50 - 4:.6e}")], "a b", 50),
    "rigol": (["Time(s),a(V),b(V)", *rows(lambda i: f"{i / 50 - 4:.6e}")], "a(V) b(V)", 50),
    "lecroy": ([*LECROY, "Time,a,b", *rows(lambda i: f"{i / 50 - 4:.9f}")], "a b", 50),
    "picoscope": (["Time,a,b", "(ms),(V),(mV)", "", *rows(lambda i: f"{i * 20:.8f}")], "a b", 50),
    "hioki": (['"HIOKI","MR8875"', '"TITLE",""', '"Time","a[V]","b[V]"']
              + rows(lambda i: f"{i / 50:.6E}"), "a[V] b[V]", 50),
    "phyphox": (['"Time (s)";"a (m/s^2)";"b (m/s^2)"']
                + [r.replace(".", ",") for r in rows(lambda i: f"{i / 50 + 0.1:.9E}", ";")],
                "a_(m/s^2) b_(m/s^2)", 50),
    "sensor_logger": (["time,seconds_elapsed,a,b"]
                      + rows(lambda i: f"{1772618400_000 + 20 * i}000000,{i / 50:.3f}"),
                      "a b", 50),
    "sensorlog": (["loggingTime(txt),loggingSample(N),a(G),b(G)"]
                  + rows(lambda i: f"{at(i).replace(' ', 'T')}+01:00,{i}"), "a(G) b(G)", 50),
    "plotter": ([f"a:{a},b:{b}" for a, b in XY], "a b", None),
    "axivity": (rows(at), "1 2", 50),
    "grafana": (['"Time","a","b"', *rows(lambda i: 1772618400000 + 20 * i)], "a b", 50),
    "influx": ([*INFLUX, *(f",,{k},{SPAN},{at(i).replace(' ', 'T')}Z,{XY[i, k]},{'ab'[k]}"
                           for k in (0, 1) for i in range(N))], "a b", 50),
    "influx_wide": ([",result,table,_start,_stop,_time,a,b"]
                    + rows(lambda i: f",,0,{SPAN},{at(i).replace(' ', 'T')}Z"), "a b", 50),
    "siemens": (["VarName;TimeString;VarValue"]
                + [f'"{"ab"[k]}";"{at(i)}";{XY[i, k]}' for i in range(N) for k in (0, 1)],
                "a b", 50),
    "labview": ([*LVM, "X_Value\ta\tb\tComment"]
                + [r.replace(".", ",") for r in rows(lambda i: f"{i / 50:.6f}", "\t", "\t")],
                "a b", 50),
    "campbell": ([*TOA5, *rows(lambda i: f'"{at(i)}",{i}')], "a T_C", 50),
    "shimmer": (["Timestamp\ta\tb\t", "ms\tm/(s^2)\tm/(s^2)\t"]
                + rows(lambda i: 1772618400000 + 20 * i, "\t", "\t"), "a b", 50),
    "catman": (["catman ASCII", "Channels: 3", "", "Zeit\ta\tb", "s\tkN\tmm"]
               + [r.replace(".", ",") for r in rows(lambda i: f"{i / 50:.2f}", "\t")], "a b", 50),
    "writetable": (["Time,a,b", *rows(lambda i: f"04-Mar-2026 {at(i)[11:]}")], "a b", 50),
    "r": (['"","a","b"', *rows(lambda i: f'"{i + 1}"')], "a b", None),
    "excel_french": (["Temps (s);a (g);b (g)"]
                     + [r.replace(".", ",") for r in rows(lambda i: f"{i / 50:.2f}", ";")],
                     "a_(g) b_(g)", 50),
    "excel_two_digits": (["Datum;Zeit;a;b"]
                         + rows(lambda i: f"04.03.26;{at(i)[11:]}", ";"), "a b", 50),
}  # fmt: skip


def written(tmp_path: Path, lines: Sequence[str]) -> Path:
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "a.csv"


@pytest.mark.parametrize("name", READ)
def test_is_read_as_it_is_exported(tmp_path: Path, name: str) -> None:
    lines, names, rate_hz = READ[name]
    found = read(written(tmp_path, lines))
    assert [one.replace(" ", "_") for one in found.names] == names.split()
    assert found.rate_hz == rate_hz
    assert len(found.stretches) == 1
    columns = [np.concatenate(list(found.column(i))) for i in range(2)]
    np.testing.assert_allclose(np.stack(columns, 1), XY)


def test_units_of_campbell_loggers(tmp_path: Path) -> None:
    found = read(written(tmp_path, READ["campbell"][0]))
    assert found.units == ["g", "Deg C"]
    assert found.stretches[0].start_ns == 1772618400 * 10**9


REFUSED = {
    "serial_monitor": (
        [f"{at(i)[11:]} -> {a},{b}" for i, (a, b) in enumerate(XY)],
        r"line 1, column '0': '10:00:00\.000 -> .*' is a value behind a text, in one cell",
    ),
    "log_of_an_esp": (
        [f"I ({20 * i}) app: {a},{b}" for i, (a, b) in enumerate(XY)],
        r"line 1, column '0': 'I \(0\) app: .*' is a value behind a text, in one cell",
    ),
    "empatica": (
        ["1772618400.00,1772618400.00", "32.000000,32.000000", *(f"{a},{b}" for a, b in XY)],
        "line 1: 1772618400 is a time, and 32 below it a rate",
    ),
    "units_in_cells": (
        ["Time,a", *(f"{at(i)},{a:.2f} °C" for i, (a, _) in enumerate(XY))],
        "line 2, column 'a': .* is not a number but one with a unit",
    ),
    "tolerances": (
        ["a,b", *(f"{a:.2f}±0.1,{b}" for a, b in XY)],
        r"line 2, column 'a': '.*±0\.1' is not a number",
    ),
    "two_sensors_side_by_side": (
        ["t1 (s),a,t2 (s),b"]
        + [f"{i / 50:.2f},{a},{i / 20:.2f},{b}" for i, (a, b) in enumerate(XY)],
        r"columns 't1 \(s\)' and 't2 \(s\)' are times of two rates",
    ),
    "a_rate_that_changes": (
        ["time_s,a,b"] + rows(lambda i: f"{i / 50 if i < 200 else 4 + (i - 200) / 20:.2f}"),
        "line 203, column 'time_s': its steps change",
    ),
    "beyond_a_day": (
        ["Elapsed,a,b"] + rows(lambda i: f"{22 + i // 60}:{i % 60:02}:00"),
        "column 'Elapsed': '25:00:00' is not a time",
    ),
    "codesys": (["Time,a,b", *rows(lambda i: f"T#{20 * i}ms")], "'T#0ms' is not a time"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused_by_its_cell_or_column(tmp_path: Path, name: str) -> None:
    lines, says = REFUSED[name]
    with pytest.raises(HostError, match=says) as caught:
        read(written(tmp_path, lines))
    assert caught.value.hint


def test_one_of_two_sensors_can_be_chosen(tmp_path: Path) -> None:
    found = read(written(tmp_path, REFUSED["two_sensors_side_by_side"][0]), Named(["a"]))
    assert (found.names, found.rate_hz) == (["a"], 50)


def test_a_clock_of_twelve_hours(tmp_path: Path) -> None:
    seconds = [12 * 3600 + 3500 + i / 2 - (12 * 3600 if i >= 200 else 0) for i in range(N)]
    clock = [f"{int(s) // 3600:02}:{int(s) // 60 % 60:02}:{s % 60:06.3f}" for s in seconds]
    found = read(written(tmp_path, ["Time,a,b", *rows(lambda i: clock[i])]))
    assert (found.rate_hz, len(found.stretches)) == (2, 1)
    assert "1:00 after 12:59 is read as going on" in found.taken
    found = read(written(tmp_path, ["Time,a,b", *rows(lambda i: f"2026-03-13 {clock[i]}")]))
    assert (found.rate_hz, len(found.stretches)) == (2, 1)
    assert found.stretches[0].start_ns is None


def test_times_rounded_to_the_second(tmp_path: Path) -> None:
    found = read(
        written(tmp_path, ["time,a,b", *rows(lambda i: f"{1772618400 + round(i / 50):.9E}")])
    )
    assert found.rate_hz == pytest.approx(50, rel=0.005)


def test_leading_zeros_under_two_names(tmp_path: Path) -> None:
    lines = ["t_ms,raw", *(f"{20 * i},{512 + i % 7:04}" for i in range(N))]
    found = read(written(tmp_path, lines))
    assert (found.names, found.rate_hz) == (["raw"], 50)
