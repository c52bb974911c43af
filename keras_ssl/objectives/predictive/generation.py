"""What a causal language model says after a prompt."""

import numpy as np


def generate(model, prompts, max_length, sampler, seed):
    """See `CausalLM.generate`."""
    import keras_hub

    task = _task_of(model.backbone)
    token_ids, mask = _padded(model, prompts, _length(model.backbone, max_length))
    sampler_of_name = keras_hub.samplers.get(sampler)
    if isinstance(sampler, str) and hasattr(sampler_of_name, "seed"):
        sampler_of_name = type(sampler_of_name)(seed=seed)
    task.compile(sampler=sampler_of_name, jit_compile=False)  # slower on a CPU, and compiled anew for each length
    end = model.tokens.end_id
    found = task.generate({"token_ids": token_ids, "padding_mask": mask}, stop_token_ids=None if end is None else [end])
    special = [one for one in (model.tokens.start_id, end) if one is not None]
    kept = found["padding_mask"].astype(bool) & ~np.isin(found["token_ids"], special)
    return [
        str(model.tokenizer.detokenize([int(one) for one in row[keep]]))
        for row, keep in zip(found["token_ids"], kept, strict=True)
    ]


def _task_of(backbone):
    """keras-hub's causal language model on this very backbone."""
    import keras_hub

    tasks = (one for one in vars(keras_hub.models).values() if isinstance(one, type))
    for task in tasks:
        if issubclass(task, keras_hub.models.CausalLM) and task.backbone_cls is type(backbone):
            return task(backbone=backbone, preprocessor=None)
    raise ValueError(
        "`backbone` must be of a family that keras-hub generates with, one with a class `...CausalLM`, such as "
        f"GPT2Backbone. Received: backbone={backbone!r}"
    )


def _length(backbone, max_length):
    longest = getattr(backbone, "max_sequence_length", None)
    length = longest if max_length is None else max_length
    if length is None or length < 2 or (longest is not None and length > longest):
        limit = "" if longest is None else f", at most the {longest} places that the backbone knows"
        raise ValueError(f"`max_length` must be a number of pieces{limit}. Received: max_length={max_length}")
    return length


def _padded(model, prompts, length):
    """Ids of prompts, without an end, padded; and which of them are the prompts'."""
    if isinstance(prompts, str) or not len(prompts):
        raise ValueError(f"`prompts` must be a list of one or more texts. Received: prompts={prompts!r}")
    table, pieces = model.tokens, model.pieces_of(prompts)
    # Something must stand first: what stands before a text, or what ended the one before.
    first = table.start_id
    rows = [[first, *row] if first is not None else row or [table.end_id] for row in pieces]
    longest = max(map(len, rows))
    if [None] in rows:
        raise ValueError(f"`prompts` must not be empty without a start or end token. Received: prompts={prompts!r}")
    if longest >= length:
        raise ValueError(
            f"`max_length` must leave room behind the longest prompt, which has {longest} pieces. "
            f"Received: max_length={length}"
        )
    # keras-hub stops where an end token stands behind a prompt: it must not pad here.
    token_ids = np.full((len(rows), length), 1 if table.end_id == 0 else 0, "int32")
    for place, row in enumerate(rows):
        token_ids[place, : len(row)] = row
    return token_ids, np.arange(length) < np.array([len(row) for row in rows])[:, None]
