"""Informers against a scripted server: resume after a disconnect, list again after 410, survive an outage, stop clean."""

import json
import queue
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from kk.client.informer import Informer, InformerFactory

PATH = "/api/v1/configmaps"


def config_map(name, version, **data):
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "n",
            "uid": name,
            "resourceVersion": str(version),
            "managedFields": [{}],
        },
        "data": data,
    }


class Script:
    """What the server answers: lists from `items`, each watch the next of `watches` (a queue of events; None ends the stream)."""

    def __init__(self, server):
        self.items, self.version = [], 1
        self.lists, self.watches = [], []
        self.streams = queue.Queue()
        server.route("GET", PATH)(self.answer)

    def answer(self, handler):
        query = {k: v[0] for k, v in parse_qs(urlsplit(handler.path).query).items()}
        if query.get("watch") != "true":
            self.lists.append(query)
            body = {"kind": "ConfigMapList", "apiVersion": "v1", "metadata": {"resourceVersion": str(self.version)}}
            handler.reply(200, {**body, "items": self.items})
            return
        self.watches.append(query)
        events = queue.Queue()
        handler.start_chunked()
        self.streams.put(events)
        while (event := events.get(timeout=60)) is not None:
            handler.chunk(json.dumps(event).encode() + b"\n")
        handler.chunk(b"")

    def next_stream(self):
        return self.streams.get(timeout=20)


class Told:
    """A handler that keeps what it was told."""

    def __init__(self):
        self.queue = queue.Queue()

    def __call__(self, event, obj, old):
        self.queue.put((event, obj["metadata"]["name"], obj["metadata"]["resourceVersion"]))

    def next(self):
        return self.queue.get(timeout=20)


@pytest.fixture
def script(server):
    return Script(server)


@pytest.fixture
def start(client):
    made, streams = [], []

    def begin(**options):
        informer = Informer(client, "v1", "configmaps", **options)
        told = Told()
        informer.add_handler(told)
        informer.start()
        made.append(informer)
        return informer, told

    yield begin
    for informer in made:
        informer.stop()
    del streams


def test_list_watch_and_index(script, start):
    script.items = [config_map("a", 1, k="x")]
    informer, told = start()
    informer.add_index("k", lambda o: [o["data"]["k"]])
    assert told.next() == ("ADDED", "a", "1")
    stream = script.next_stream()
    stream.put({"type": "ADDED", "object": config_map("b", 2, k="x")})
    assert told.next() == ("ADDED", "b", "2")
    stream.put({"type": "MODIFIED", "object": config_map("a", 3, k="y")})
    assert told.next() == ("MODIFIED", "a", "3")
    assert [o["metadata"]["name"] for o in informer.by_index("k", "x")] == ["b"]
    stream.put({"type": "DELETED", "object": config_map("b", 4, k="x")})
    assert told.next() == ("DELETED", "b", "4")
    assert informer.by_index("k", "x") == []
    assert informer.keys() == ["n/a"]
    assert "managedFields" not in informer.get("n/a")["metadata"]
    assert script.lists[0]["resourceVersion"] == "0"
    stream.put(None)


def test_a_watch_resumes_from_the_last_version(script, start):
    _, told = start()
    stream = script.next_stream()
    stream.put({"type": "BOOKMARK", "object": {"kind": "ConfigMap", "metadata": {"resourceVersion": "7"}}})
    stream.put(None)
    stream = script.next_stream()
    stream.put({"type": "ADDED", "object": config_map("a", 9)})
    assert told.next() == ("ADDED", "a", "9")
    stream.put(None)
    script.next_stream().put(None)
    assert [w["resourceVersion"] for w in script.watches[:3]] == ["1", "7", "9"]
    assert len(script.lists) == 1


def test_gone_lists_again_and_tells_the_difference(script, start):
    script.items = [config_map("a", 1), config_map("b", 1)]
    _, told = start()
    assert {told.next()[1], told.next()[1]} == {"a", "b"}
    stream = script.next_stream()
    script.items, script.version = [config_map("b", 5), config_map("c", 6)], 6
    stream.put({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}})
    assert [told.next() for _ in range(3)] == [("DELETED", "a", "1"), ("MODIFIED", "b", "5"), ("ADDED", "c", "6")]
    script.next_stream().put(None)
    stream.put(None)
    assert "resourceVersion" not in script.lists[1]


def test_an_object_made_anew_is_deleted_and_added(script, start):
    script.items = [config_map("a", 1)]
    _, told = start()
    told.next()
    stream = script.next_stream()
    again = config_map("a", 5)
    again["metadata"]["uid"] = "another"
    stream.put({"type": "MODIFIED", "object": again})
    assert [told.next()[0], told.next()[0]] == ["DELETED", "ADDED"]
    stream.put(None)


def test_an_outage_is_survived(client, server, script, start):
    fails = [503, 500]

    def failing(handler):
        if fails:
            handler.reply(fails.pop(), b"away")
        else:
            script.answer(handler)

    server.route("GET", PATH)(failing)
    script.items = [config_map("a", 1)]
    informer, told = start()
    assert told.next() == ("ADDED", "a", "1")
    assert informer.wait_synced(10)
    script.next_stream().put(None)


def test_a_faulty_handler_harms_nobody(script, client):
    informer, told = Informer(client, "v1", "configmaps"), Told()
    informer.add_handler(lambda *_: 1 / 0)
    informer.add_handler(told)
    script.items = [config_map("a", 1)]
    informer.start()
    assert told.next() == ("ADDED", "a", "1")
    script.next_stream().put(None)
    informer.stop()


def test_one_thread_serves_all_and_ends(script, client):
    before = threading.active_count()
    factory = InformerFactory(client)
    one = factory.informer("v1", "configmaps")
    assert factory.informer("v1", "configmaps", metadata_only=True) is one
    factory.start()
    assert factory.wait_synced(10)
    late = Told()
    one.add_handler(late)
    stream = script.next_stream()
    stream.put({"type": "ADDED", "object": config_map("a", 2)})
    assert late.next()[1] == "a"
    names = [t.name for t in threading.enumerate()]
    assert names.count("informers") == 1
    factory.stop()
    assert "informers" not in [t.name for t in threading.enumerate()]
    stream.put(None)
    assert threading.active_count() <= before + 1  # the server's own thread of the watch may take a moment


def test_stopping_lets_go_of_those_who_wait(server, client):
    server.route("GET", PATH)(lambda h: h.reply(503, b"away"))
    informer = Informer(client, "v1", "configmaps")
    informer.start()
    answers = []
    thread = threading.Thread(target=lambda: answers.append(informer.wait_synced()))
    thread.start()
    informer.stop()
    thread.join(10)
    assert answers == [False]
