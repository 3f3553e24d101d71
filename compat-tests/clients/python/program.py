"""The command line that the Python clients of the matrix share: steps and flags in, JSON lines out.

The contract is the same in every language; doc.go in the parent folder describes it.
"""

import argparse
import base64
import json
import os
import queue
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

    def record(self, topic, partition, offset, timestamp, key, value, headers):
        self.emit("record", topic=topic, partition=partition, offset=offset, timestamp=timestamp, key=_encode(key),
                  value=_encode(value), headers=[[name, _encode(value)] for name, value in headers or []])

    def committed(self, offsets):
        """The commit of these next offsets (partition to offset) was answered."""
        self.emit("committed", offsets=offsets)

    def acked(self, index, partition, offset):
        """The broker has the record on this line of standard input, counted from 0."""
        self.emit("acked", index=index, partition=partition, offset=offset)

    def assigned(self, partitions):
        """The member owns these partitions now: all of them, not the change."""
        self.emit("assigned", partitions=sorted(partitions))

    def note(self, error):
        """What is worth knowing in a report, and no failure."""
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)

    def error(self, error):
        self.emit("error", message=str(error))


class Record:
    """What is to be sent: key and value, headers as [(name, value)], timestamp in milliseconds or None."""

    def __init__(self, fields):
        self.key, self.value = _decode(fields["key"]), _decode(fields["value"])
        self.headers = [(name, _decode(value)) for name, value in fields["headers"]]
        self.timestamp = fields.get("timestamp")


def each_record():
    """The records on standard input, as they come."""
    for line in sys.stdin:
        yield Record(json.loads(line))


def coming_records():
    """The records on standard input, which is read on also where the client does not take them for a while."""
    taken = queue.SimpleQueue()

    def read():
        for record in each_record():
            taken.put(record)
        taken.put(None)

    threading.Thread(target=read, daemon=True).start()
    return iter(taken.get, None)


def obey(actor, out, commands):
    """Does the commands; actor has a method for each, which answers with a dict or None.

    Its refusals are the errors, a class or several, by which the library tells that the broker, or itself, did not do it;
    its fenced tells whether such an error means that another producer has taken over.
    """
    for command in commands:
        try:
            answer = getattr(actor, command["do"].replace("-", "_"))(command)
        except actor.refusals as error:
            out.emit("refused", message=f"{type(error).__name__}: {error}", fenced=actor.fenced(error))
        else:
            out.emit("done", **(answer or {}))


def settings():
    """What the row of the matrix says beside the version."""
    return dict(setting.split("=", 1) for setting in os.environ.get("CLIENT_SETTINGS", "").split())


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
    parser.add_argument("step", choices=["about", "create", "produce", "write", "read", "consume", "member", "worker", "transact",
                                         "stream", "admin", "connect"])
    parser.add_argument("--bootstrap", default="localhost:9092")
    parser.add_argument("--topic")
    parser.add_argument("--group")
    parser.add_argument("--codec", default="none")
    parser.add_argument("--topics", type=lambda text: text.split(","))
    parser.add_argument("--codecs", type=lambda text: text.split(","))
    parser.add_argument("--partitions", type=int, default=3)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--session-ms", type=int, default=45000)
    parser.add_argument("--protocol", choices=["classic", "consumer"], default="classic")
    parser.add_argument("--max-bytes", type=int, default=0)
    parser.add_argument("--since", type=int, default=0)
    parser.add_argument("--instance")
    options, out = parser.parse_args(), Output()
    try:
        if options.step == "about":
            out.emit("about", version=client.version, codecs=client.codecs)
        elif options.step == "create":
            client.create(options)
            out.emit("created")
        elif options.step == "produce":
            records = list(each_record())
            client.produce(options, records)
            out.emit("produced", count=len(records))
        elif options.step == "write":
            records = list(each_record())
            for options.topic, options.codec in zip(options.topics, options.codecs):
                client.produce(options, records)
            out.emit("produced", count=len(records) * len(options.topics))
        elif options.step == "read":
            client.read(options, out)
        elif options.step == "consume":
            client.consume(options, out)
        elif options.step == "transact":
            client.transact(options, out, map(json.loads, sys.stdin))
        elif options.step == "stream":
            out.emit("produced", count=client.stream(options, out, coming_records()))
        elif options.step == "connect":
            obey(client.connections(out), out, map(json.loads, sys.stdin))
        elif options.step == "admin":
            obey(client.administrator(options), out, map(json.loads, sys.stdin))
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
