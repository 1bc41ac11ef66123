"""From flower photos to a tested, explainable classifier of 102 species.

The names that people use first can be imported from here; each is loaded when it is asked for.
"""
__version__ = "0.1.0"
_HOMES = {"data.sources": ["oxford_flowers", "folder_flowers", "toy_flowers", "get_source"], "data.splits": ["get_split"],
          "model.build": ["build_model"], "model.bundle": ["load_bundle"], "training.config": ["make_config"],
          "training.loop": ["fit"], "evaluation.report": ["evaluate"], "explain.gradcam": ["GradCAM"],
          "explain.photo": ["Explainer"], "inference.predictor": ["Predictor", "predict"]}
_NAMES = {name: module for module, names in _HOMES.items() for name in names}
__all__ = [*_NAMES, "__version__"]


def __getattr__(name):
    if name not in _NAMES: raise AttributeError(f"module 'flowers102' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"flowers102.{_NAMES[name]}"), name)
    return value


def __dir__(): return sorted({*globals(), *__all__})
