"""The official Langfuse SDK for Python reads and writes prompts. Arguments: base URL, public key, secret key. Prints what it saw."""

import json
import logging
import sys
import time
import urllib.request

from langfuse import Langfuse
from langfuse.api import NotFoundError
from langfuse.api.core import ApiError

logging.disable(logging.CRITICAL)
base, public, secret = sys.argv[1:]
langfuse = Langfuse(public_key=public, secret_key=secret, base_url=base, tracing_enabled=False)
saw = {"auth": langfuse.auth_check()}


def proxy(path):
    return urllib.request.urlopen(base + path).read().decode()


def refused(call):
    try:
        call()
    except (ApiError, NotFoundError) as e:
        return {"status": e.status_code, "code": e.body["code"], "message": e.body["message"]}
    except Exception as e:  # what else is raised is for the test to see
        return {"status": 0, "code": type(e).__name__, "message": str(e)}
    return {"status": 200}


# Written, read, compiled.
name = "support/hello"
config = {"model": "fast", "temperature": 0.2, "languages": ["de", "en"]}
made = langfuse.create_prompt(name=name, prompt="{{greeting}}, {{ name }}!", labels=["production"], tags=["a"], config=config, commit_message="first")
saw["created"] = {"version": made.version, "labels": made.labels, "tags": made.tags, "config": made.config, "message": made.commit_message}
langfuse.clear_prompt_cache()
before = int(proxy("/proxy/requests"))
text = langfuse.get_prompt(name)
langfuse.get_prompt(name, label="production", cache_ttl_seconds=1)
langfuse.get_prompt(name)
saw["requests"] = int(proxy("/proxy/requests")) - before
saw["text"] = text.compile(greeting="Hello", name="<Ada> {{x}}")
saw["variables"] = text.variables
chat = [{"role": "system", "content": "You are {{who}}."}, {"type": "placeholder", "name": "history"}, {"role": "user", "content": "{{q}}"}]
langfuse.create_prompt(name="support/chat", type="chat", prompt=chat, labels=["production"])
got = langfuse.get_prompt("support/chat", type="chat")
saw["chat"] = got.compile(who="a bot", q="Why?", history=[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello {{who}}"}])

# Kept for its time, then refreshed behind the application's back.
langfuse.create_prompt(name=name, prompt="Hi {{name}}", labels=["staging"])
saw["by label"] = langfuse.get_prompt(name, label="staging").version
saw["by version"] = langfuse.get_prompt(name, version=1).version
saw["latest"] = langfuse.get_prompt(name, label="latest").version
langfuse.get_prompt(name, label="production", cache_ttl_seconds=1)
langfuse.api.prompt_version.update("support%2Fhello", 2, new_labels=["production", "tenant-1"])
time.sleep(2.1)
stale = langfuse.get_prompt(name, label="production", cache_ttl_seconds=1).version
until = time.time() + 10
while (fresh := langfuse.get_prompt(name, label="production", cache_ttl_seconds=1).version) != 2 and time.time() < until:
    time.sleep(0.05)
saw["stale"], saw["fresh"] = stale, fresh
moved = langfuse.update_prompt(name=name, version=1, new_labels=["production"])
saw["moved"] = moved.labels
saw["after"] = langfuse.get_prompt(name).version

# Listed, refused, missing.
listed = langfuse.api.prompts.list(label="production")
saw["list"] = [{"name": m.name, "type": m.type, "versions": m.versions} for m in listed.data]
saw["total"] = listed.meta.total_items
saw["missing"] = refused(lambda: langfuse.get_prompt("support/none", max_retries=0))
saw["no label"] = refused(lambda: langfuse.get_prompt(name, label="gone", max_retries=0))
saw["protected create"] = refused(lambda: langfuse.create_prompt(name="p", prompt="x", labels=["live"]))
saw["protected move"] = refused(lambda: langfuse.update_prompt(name=name, version=1, new_labels=["live"]))
saw["section"] = refused(lambda: langfuse.create_prompt(name="p", prompt="{{#a}}x{{/a}}"))
saw["logic"] = refused(lambda: langfuse.get_prompt("logic", max_retries=0))
saw["bad key"] = refused(lambda: Langfuse(public_key="pk-bad", secret_key="x", base_url=base, tracing_enabled=False).get_prompt(name, max_retries=0))

# The control plane goes: what is kept goes on, and what is not has a fallback.
langfuse.get_prompt(name, cache_ttl_seconds=0)
time.sleep(1.1)
proxy("/proxy/down")
saw["down kept"] = langfuse.get_prompt(name, cache_ttl_seconds=1).version
lost = langfuse.get_prompt("support/other", fallback="Dear {{name}}", max_retries=0)
saw["down fallback"] = [lost.is_fallback, lost.compile(name="Ada")]
proxy("/proxy/up")

langfuse.api.prompts.delete("support%2Fchat")
langfuse.clear_prompt_cache()
saw["deleted"] = refused(lambda: langfuse.get_prompt("support/chat", max_retries=0))
print(json.dumps(saw))
langfuse.shutdown()
