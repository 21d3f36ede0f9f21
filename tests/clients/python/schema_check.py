"""Checks every document that is sent or received against the ledger's own JSON Schemas.

The schemas come from the ledger itself, over `schema.get`. Schemas of answers allow fields that
they do not name, because answers may gain fields and a client must not mind. Here they are made
strict, so that a field which no schema names is noticed.
"""

from jsonschema import Draft202012Validator

from billfold_client import Billfold, Problem

# Documents that are not called after their subject.
REQUESTS = {"command.batch": "wire/batch", "feed.read": "feed/feed.read",
            "schema.get": "wire/schema_get", "admin.run_status": "admin/run_status"}
ANSWERS = {"command.batch": "wire/batch_reply", "feed.read": "feed/feed.page",
           "admin.run_status": "status/run", "admin.status": "status/gateway"}


def request_schema(path):
    kind, _, name = path.partition(".")
    if kind == "query" and name.rpartition(".")[2] in ("status", "hash"):
        return None
    return REQUESTS.get(path) or (f"{kind}/{name}" if kind in ("command", "query") else None)


def answer_schema(path):
    kind, _, name = path.partition(".")
    if kind == "query" and name.rpartition(".")[2] in ("status", "hash"):
        return f"status/view.{name.rpartition('.')[2]}"
    if kind == "query":
        return f"answer/{name}"
    return ANSWERS.get(path) or ("wire/accepted" if kind == "command" else None)


def strict(schema):
    """The same schema, but objects have no fields that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(value) for name, value in schema.items()}
    if isinstance(made.get("properties"), dict) and "type" in made:
        made.setdefault("additionalProperties", False)
    return made


class CheckedBillfold(Billfold):
    """A client that trusts nobody, itself included."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._validators = {}
        self.checked = 0

    async def _check(self, name, document, *, as_sent):
        if name not in self._validators:
            schema = await super().ask("schema.get", {"name": name})
            Draft202012Validator.check_schema(schema)
            self._validators[name] = Draft202012Validator(schema if as_sent else strict(schema))
        for error in self._validators[name].iter_errors(document):
            place = "/".join(str(part) for part in error.absolute_path)
            raise AssertionError(f"{name} at /{place}: {error.message}")
        self.checked += 1

    async def ask(self, path, body, headers=None, **options):
        asked = request_schema(path)
        if asked:
            await self._check(asked, body, as_sent=True)
        for command in body.get("commands", []):
            await self._check(f"command/{command['command']}", command["body"], as_sent=True)
        try:
            answer = await super().ask(path, body, headers, **options)
        except Problem as problem:
            await self._check("wire/problem", problem.document, as_sent=False)
            raise
        answered = answer_schema(path)
        if path == "schema.get" and not body.get("name"):
            answered = "wire/schema_names"
        if answered:
            await self._check(answered, answer, as_sent=False)
        if path == "feed.read":
            for entry in answer["data"]:
                await self._check_commit(entry)
        return answer

    async def _check_commit(self, entry):
        command = entry["command"]
        await self._check(f"command/{command['type']}", command["body"], as_sent=False)
        for event in entry["events"]:
            await self._check(f"event/{event['type']}", event["body"], as_sent=False)
