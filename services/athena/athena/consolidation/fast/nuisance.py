from __future__ import annotations
import numpy as np
from dataclasses import replace
MANY, LEAST, LOW, RIDGE, STRENGTH = 256, 5, 0.25, 3.0, 1.0
def cleared(words, likeness, vectors):
    bad = np.flatnonzero((words.counts >= LEAST) & (likeness < LOW))
    bad = bad[np.argsort(-words.counts[bad], kind="stable")][:MANY]
    if len(bad) == 0: return vectors
    column = np.full(len(words.counts), -1); column[bad] = np.arange(len(bad))
    owner = np.repeat(np.arange(len(words.starts) - 1), np.diff(words.starts))
    c = column[words.terms]; keep = c >= 0
    X = np.zeros((len(vectors), len(bad)), np.float32); X[owner[keep], c[keep]] = 1
    mean = vectors.mean(axis=0); 
    Xm = X.mean(axis=0)
    G = X.T @ X - len(X)*np.outer(Xm, Xm) + RIDGE * np.eye(len(bad), dtype=np.float32)
    B = np.linalg.solve(G, X.T @ (vectors - mean)).astype(np.float32)
    out = vectors - STRENGTH * (X @ B)
    norm = np.linalg.norm(out, axis=1, keepdims=True)
    return out / np.maximum(norm, 1e-9)
