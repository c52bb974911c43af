"""What can be had of texts without an encoder."""

import collections
import re

import numpy as np

_UNPARTED = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")


def bag_of_words(texts):
    """A TF-IDF vectorizer of words and pairs of words, with sublinear counts, fitted to texts: a strong baseline.

    Where many of the texts have Chinese or Japanese characters, which no blanks part, it is one of characters instead.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    unparted = sum(bool(_UNPARTED.search(text)) for text in texts)
    analyzer = "char" if unparted > len(texts) / 2 else "word"
    return TfidfVectorizer(analyzer=analyzer, ngram_range=(1, 2), sublinear_tf=True).fit(texts)


def tfidf_probes(texts, labels, train, test):
    """Test accuracies of ridge and logistic regression on TF-IDF, for rows `train` and `test` of texts and labels."""
    from sklearn.linear_model import LogisticRegression, RidgeClassifier

    fitted_to = [texts[row] for row in train]
    vectorizer = bag_of_words(fitted_to)
    known = vectorizer.transform(fitted_to)
    asked = vectorizer.transform([texts[row] for row in test])
    models = {"ridge": RidgeClassifier(), "linear": LogisticRegression(C=10.0, max_iter=1000)}
    return {name: float(model.fit(known, labels[train]).score(asked, labels[test])) for name, model in models.items()}


def majority(labels, train, test):
    """The same for the most frequent class of the train rows, which is all that a probe finds without features."""
    classes, counts = np.unique(labels[train], return_counts=True)
    accuracy = float(np.mean(labels[test] == classes[counts.argmax()]))
    return {"ridge": accuracy, "linear": accuracy}


def tags_of_words(train, sentences):
    """The most frequent tag of each word, and for unknown words that of all: list of lists of str.

    Args:
        train: sentences, pairs of words and tags.
        sentences: sentences whose tags are asked for.
    """
    of_word, of_all = collections.defaultdict(collections.Counter), collections.Counter()
    for words, tags in train:
        of_all.update(tags)
        for word, tag in zip(words, tags, strict=True):
            of_word[word][tag] += 1
    best = {word: counts.most_common(1)[0][0] for word, counts in of_word.items()}
    commonest = of_all.most_common(1)[0][0]
    return [[best.get(word, commonest) for word in words] for words, _ in sentences]
