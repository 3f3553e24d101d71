"""The command line that the Python clients of the matrix share: steps and flags in, JSON lines out.

The contract is the same in every language; doc.go in the parent folder describes it.
"""

import argparse
import base64
import json
import sys
import threading


class Output:
    """Writes events, one JSON object a line."""

    def __init__(self):
        self._lock = threading.Lock()

    def emit(self, event, **fields):
        with self._lock:
            sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
            sys.stdout.flush()

    def record(self, partition, offset, key, value, headers):
        self.emit("record", partition=partition, offset=offset, key=_encode(key), value=_encode(value),
                  headers=[[name, _encode(value)] for name, value in headers or []])

    def committed(self, offsets):
        """The commit of these next offsets (partition to offset) was answered."""
        self.emit("committed", offsets=offsets)

    def assigned(self, partitions):
        """The member owns these partitions now: all of them, not the change."""
        self.emit("assigned", partitions=sorted(partitions))

    def note(self, error):
        """What is worth knowing in a report, and no failure."""
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)

    def error(self, error):
        self.emit("error", message=str(error))


def read_records():
    """The records on standard input, as (key, value, [(header name, header value)])."""
    return [(_decode(r["key"]), _decode(r["value"]), [(name, _decode(value)) for name, value in r["headers"]])
            for r in map(json.loads, sys.stdin)]


def leave_requested():
    """An event that is set at the end of standard input, which asks a member to leave."""
    done = threading.Event()

    def watch():
        sys.stdin.read()
        done.set()

    threading.Thread(target=watch, daemon=True).start()
    return done


def main(client):
    """Runs the step of the command line; client has version, codecs and a method for each step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=["about", "create", "produce", "consume", "member", "worker", "transact"])
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--topic")
    parser.add_argument("--group")
    parser.add_argument("--codec", default="none")
    parser.add_argument("--partitions", type=int, default=3)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--session-ms", type=int, default=45000)
    parser.add_argument("--protocol", choices=["classic", "consumer"], default="classic")
    options, out = parser.parse_args(), Output()
    try:
        if options.step == "about":
            out.emit("about", version=client.version, codecs=client.codecs)
        elif options.step == "create":
            client.create(options)
            out.emit("created")
        elif options.step == "produce":
            records = read_records()
            client.produce(options, records)
            out.emit("produced", count=len(records))
        elif options.step == "consume":
            client.consume(options, out)
        elif options.step == "transact":
            client.transact(options, out, map(json.loads, sys.stdin))
        else:
            stay = client.member if options.step == "member" else client.worker
            stay(options, out, leave_requested())
            out.emit("left")
    except Exception as error:  # the last line of defence: the test reads it from the event
        out.error(f"{type(error).__name__}: {error}")
        raise


def _encode(data):
    return None if data is None else base64.b64encode(data).decode()


def _decode(text):
    return None if text is None else base64.b64decode(text)
