#!/usr/bin/env python3
"""Writes the schemas of the OpenAI API that the generated types are made from.

    python schemas.py > schemas.json

Reads the source of the official Python package `openai` that is installed beside the interpreter, without running it, and
writes what is reachable from ROOTS to standard output. A schema is called by its module below `openai.types` and its name
there, so that no two have one name. Names, types, values and what is required are facts of the API; the package's
descriptions are left out.
"""

import ast
import importlib.util
import json
import pathlib
import sys
from importlib.metadata import version

# What the project reads or writes, by module and name.
ROOTS = [
    "responses.response_stream_event:ResponseStreamEvent",
    "responses.response:Response",
    "responses.response_create_params:ResponseCreateParamsBase",
    "responses.input_token_count_params:InputTokenCountParams",
    "responses.input_token_count_response:InputTokenCountResponse",
    "chat.chat_completion_chunk:ChatCompletionChunk",
    "chat.chat_completion:ChatCompletion",
    "chat.completion_create_params:CompletionCreateParamsBase",
    "completion:Completion",
    "completion_create_params:CompletionCreateParamsBase",
    "image_gen_stream_event:ImageGenStreamEvent",
    "image_edit_stream_event:ImageEditStreamEvent",
    "images_response:ImagesResponse",
    "image_generate_params:ImageGenerateParamsBase",
    "image_edit_params:ImageEditParamsBase",
    "audio.transcription_stream_event:TranscriptionStreamEvent",
    "audio.transcription:Transcription",
    "audio.transcription_verbose:TranscriptionVerbose",
    "audio.transcription_diarized:TranscriptionDiarized",
    "audio.transcription_create_params:TranscriptionCreateParamsBase",
    "audio.speech_create_params:SpeechCreateParams",
    "embedding_create_params:EmbeddingCreateParams",
    "create_embedding_response:CreateEmbeddingResponse",
    "moderation_create_params:ModerationCreateParams",
    "moderation_create_response:ModerationCreateResponse",
    "model:Model",
    "file_create_params:FileCreateParams",
    "file_list_params:FileListParams",
    "file_object:FileObject",
    "file_deleted:FileDeleted",
]

PLAIN = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "object": {},
    "None": {"type": "null"},
    "FileTypes": {"type": "string", "format": "binary"},
}
LISTS = {"List", "Iterable", "Sequence", "SequenceNotStr"}


class Module:
    """The names of one module of the package."""

    def __init__(self, types, path):
        self.name = ".".join(path.relative_to(types).with_suffix("").parts)
        self.imports, self.classes, self.aliases = {}, {}, {}
        for node in ast.parse(path.read_text()).body:
            match node:
                case ast.ImportFrom(module=module, names=names, level=level) if level:
                    # Out of the module's own package, and of one more for each further dot.
                    package = self.name.split(".")[:-level]
                    below = len(self.name.split(".")) >= level
                    for name in names if below and module else ():
                        self.imports[name.asname or name.name] = (".".join([*package, module]), name.name)
                case ast.ClassDef():
                    self.classes[node.name] = node
                case ast.AnnAssign(target=ast.Name(id=name), value=value) if value:
                    self.aliases[name] = value
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    self.aliases[name] = value


class Schemas:
    """The schemas of what was asked for, and of what they refer to."""

    def __init__(self, types):
        self.types, self.modules, self.schemas = types, {}, {}

    def module(self, name):
        if name not in self.modules:
            path = self.types.joinpath(*name.split(".")).with_suffix(".py")
            self.modules[name] = Module(self.types, path) if path.exists() else None
        return self.modules[name]

    def refer(self, module, name):
        """The schema of a name in a module."""
        while name in module.imports:
            there, name = module.imports[name]
            if name in PLAIN or self.module(there) is None:
                break
            module = self.module(there)
        if name in PLAIN:
            return PLAIN[name]
        key = f"{module.name}:{name}"
        alias = module.aliases.get(name)
        if isinstance(alias, ast.Name):
            return self.refer(module, alias.id)
        if key not in self.schemas:
            self.schemas[key] = None  # Some refer to themselves.
            if name in module.classes:
                self.schemas[key] = self.object(module, module.classes[name])
            elif alias is not None:
                self.schemas[key] = self.of(module, alias)
            else:
                sys.exit(f"{module.name}: cannot tell what {name} is")
        return {"$ref": f"#/schemas/{key}"}

    def of(self, module, node):
        """The schema of a type, as it is written."""
        match node:
            case ast.Constant(value=None):
                return PLAIN["None"]
            case ast.Constant(value=str(name)):
                return self.of(module, ast.parse(name, mode="eval").body)
            case ast.Name(id=name):
                return self.refer(module, name)
            case ast.Subscript(value=ast.Name(id=generic), slice=inner):
                parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                if generic == "Literal":
                    values = [part.value for part in parts]
                    kind = {str: "string", bool: "boolean", int: "integer"}[type(values[0])]
                    return {"type": kind, "enum": values}
                if generic in ("Annotated", "Required"):
                    return self.of(module, parts[0])
                if generic in LISTS:
                    return {"type": "array", "items": self.of(module, parts[0])}
                if generic == "Dict":
                    return {"type": "object", "additionalProperties": self.of(module, parts[1])}
                if generic in ("Optional", "Union"):
                    nullable = [ast.Constant(None)] if generic == "Optional" else []
                    return {"anyOf": [self.of(module, part) for part in [*parts, *nullable]]}
        sys.exit(f"{module.name}: cannot read {ast.unparse(node)}")

    def object(self, module, node):
        """The schema of a class: a model, or a dictionary with typed keys."""
        properties, required = {}, []
        dictionary = True
        for base in node.bases:
            name = ast.unparse(base)
            if name == "BaseModel":
                dictionary = False
            elif name != "TypedDict":
                there, inherited = self.inherited(module, name)
                properties |= inherited["properties"]
                required += inherited["required"]
                dictionary &= there
        for field in node.body:
            if not isinstance(field, ast.AnnAssign) or field.target.id.startswith("__"):
                continue
            name, default = field.target.id, field.value
            if isinstance(default, ast.Call):  # FieldInfo(alias="…", default=…)
                options = {option.arg: option.value for option in default.keywords}
                name = options["alias"].value if "alias" in options else name
                default = options.get("default")
            properties[name] = self.of(module, field.annotation)
            needed = self.is_required(field.annotation) if dictionary else default is None
            required += [name] if needed and name not in required else []
        return {"type": "object", "properties": properties, "required": required}

    def inherited(self, module, name):
        """Whether a base is a dictionary, and its schema."""
        while name in module.imports:
            there, name = module.imports[name]
            module = self.module(there)
        base = module.classes.get(name)
        if base is not None:
            bases = {ast.unparse(base) for base in base.bases}
            return "BaseModel" not in bases, self.object(module, base)
        # Keys that are no names in Python: TypedDict("…", {"async": bool}, total=False).
        keys = module.aliases[name].args[1]
        properties = {key.value: self.of(module, value) for key, value in zip(keys.keys, keys.values)}
        required = [key.value for key, value in zip(keys.keys, keys.values) if self.is_required(value)]
        return True, {"properties": properties, "required": required}

    @staticmethod
    def is_required(annotation):
        return isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Required"


def main():
    package = importlib.util.find_spec("openai")
    if package is None:
        sys.exit("the package openai is not installed: see refresh.sh")
    schemas = Schemas(pathlib.Path(package.origin).parent / "types")
    for root in ROOTS:
        module, name = root.split(":")
        schemas.refer(schemas.module(module), name)
    write(f"openai {version('openai')} (PyPI), openai.types", dict(sorted(schemas.schemas.items())))


def write(source, schemas):
    """Writes a line for each field and each alternative, so that two versions differ in the lines that changed."""
    print(f'{{\n"source": {json.dumps(source)},\n"roots": [\n ' + ",\n ".join(map(json.dumps, ROOTS)) + '\n],\n"schemas": {')
    written = []
    for name, schema in schemas.items():
        if "properties" in schema:
            fields = [f"  {json.dumps(field)}: {json.dumps(of)}" for field, of in schema["properties"].items()]
            required = json.dumps(schema["required"])
            text = f'{{"type": "object", "required": {required}, "properties": {{\n' + ",\n".join(fields) + "\n }}"
        elif "anyOf" in schema:
            text = '{"anyOf": [\n' + ",\n".join(f"  {json.dumps(of)}" for of in schema["anyOf"]) + "\n ]}"
        else:
            text = json.dumps(schema)
        written.append(f" {json.dumps(name)}: {text}")
    print(",\n".join(written) + "\n}\n}")


main()
