"""Asks TF Serving for embeddings over REST. Needs Python alone: copy this file to wherever it is used.

    python rest_client.py photo.jpg other.png    # encoded pictures, signature from_bytes
    python rest_client.py --pixels pixels.json   # nested lists (pictures, height, width, channels), serving_default
    python rest_client.py --model encoder_strings --texts "A cat." "Zwei Hunde."    # a text encoder, serving_default
    python rest_client.py --status               # which versions are loaded

It prints one JSON object on one line. The exit code is 0, or 1 where the object holds an `error`.
"""

import argparse
import base64
import http.client
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


class ServingError(RuntimeError):
    """The server refused the request, or did not answer in time."""


class RestClient:
    """A served encoder behind TF Serving's REST interface.

    Args:
        url: str, the server.
        model: str, name of the model.
        label: str, `"stable"` or `"canary"` for instance; `None` for the newest version that is loaded.
        timeout: float, seconds that one request may take.
        batch_size: int, pictures or texts in one request, at most the server's `max_batch_size`.
    """

    def __init__(self, url="http://localhost:8501", model="encoder", label=None, timeout=10.0, batch_size=32):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be 1 or more. Received: batch_size={batch_size}")
        self.timeout = timeout
        self.batch_size = batch_size
        self.model_url = f"{url.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}"
        self.served_url = self.model_url if label is None else f"{self.model_url}/labels/{urllib.parse.quote(label)}"

    def embed_pixels(self, images):
        """Embeddings of raw pixels from 0 to 255: nested lists of shape (pictures, height, width, channels)."""
        return self._embed("serving_default", "images", images)

    def embed_files(self, pictures):
        """Embeddings of encoded pictures: a list of `bytes`, each the content of a JPEG or PNG file."""
        encoded = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
        return self._embed("from_bytes", "image_bytes", encoded)

    def embed_texts(self, texts):
        """Embeddings of texts, by the model with the tokenizer inside: a list of `str`."""
        return self._embed("serving_default", "texts", texts)

    def status(self):
        """State of each version that the server knows: dict of version to `"AVAILABLE"`, `"LOADING"`, `"END"`, ..."""
        answer = self._ask(self.model_url)
        return {entry["version"]: entry["state"] for entry in answer["model_version_status"]}

    def _embed(self, signature, name, rows):
        if not len(rows):
            raise ValueError("Give one picture or more, or texts. Received: none")
        embeddings = []
        for start in range(0, len(rows), self.batch_size):
            body = {"signature_name": signature, "inputs": {name: rows[start : start + self.batch_size]}}
            outputs = self._ask(f"{self.served_url}:predict", body)["outputs"]
            # A signature's only output comes without its name.
            embeddings += outputs["embedding"] if isinstance(outputs, dict) else outputs
        return embeddings

    def _ask(self, url, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise ServingError(f"The server refused with HTTP {error.code}: {_reason(error.read())}") from error
        except TimeoutError as error:
            raise ServingError(f"No answer from {url} within {self.timeout:g} s.") from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise ServingError(f"No answer from {url} within {self.timeout:g} s.") from error
            raise ServingError(f"No server at {url}: {error.reason}") from error
        except (http.client.HTTPException, ConnectionError, ValueError) as error:
            raise ServingError(f"No TF Serving at {url}: {error!r}") from error


def _reason(body):
    """The message in TF Serving's error object, or what else came, from a proxy for instance."""
    try:
        return json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def main():
    """Does what the command line says and prints one JSON object."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("pictures", nargs="*", default=[], type=pathlib.Path, help="JPEG or PNG files")
    what.add_argument("--pixels", type=argparse.FileType(), help="JSON file of raw pixels; - reads the standard input")
    what.add_argument("--texts", nargs="+", metavar="TEXT", help="texts, for a text encoder")
    what.add_argument("--status", action="store_true", help="print the state of each version")
    parser.add_argument("--url", default="http://localhost:8501", help="the server")
    parser.add_argument("--model", default="encoder", help="name of the model")
    parser.add_argument("--label", help="stable or canary, as models.config names them; without it the newest version")
    parser.add_argument("--timeout", type=float, default=10.0, help="seconds that one request may take")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures or texts in one request")
    arguments = parser.parse_args()
    start = time.perf_counter()
    try:
        client = RestClient(arguments.url, arguments.model, arguments.label, arguments.timeout, arguments.batch_size)
        if arguments.status:
            result = {"model": arguments.model, "versions": client.status()}
        else:
            if arguments.pixels:
                embeddings = client.embed_pixels(json.load(arguments.pixels))
            elif arguments.texts:
                embeddings = client.embed_texts(arguments.texts)
            else:
                embeddings = client.embed_files([path.read_bytes() for path in arguments.pictures])
            result = {"model": arguments.model, "label": arguments.label, "embeddings": embeddings}
            result["seconds"] = round(time.perf_counter() - start, 4)
    except (ServingError, OSError, ValueError) as error:
        result = {"error": str(error)}
    print(json.dumps(result))
    return int("error" in result)


if __name__ == "__main__":
    sys.exit(main())
