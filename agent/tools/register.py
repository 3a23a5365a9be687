"""The agent's tools, each declared once: name, description, schemas of what goes in and what comes out.

A tool reads the journal, calls one step of the method and writes what came of it; running it twice changes nothing.
The graph's nodes call these tools, and so can any other program: `await TOOLS["draft_batch"].run(workshop, {...})`.
"""

from typing import Any

from agent.tools.concluding_rounds import analyse_batch, cut_batch, decide
from agent.tools.definition import define
from agent.tools.drafting import draft_batch, lint_batch, predict_batch
from agent.tools.finishing import (
    conclude_run,
    extract_dataset,
    steer_dataset,
    write_dataset,
    write_steering_questions,
)
from agent.tools.reviewing import (
    prepare_batch_review,
    prepare_definition_review,
    prepare_final_review,
    prepare_results_review,
    record_batch_review,
    record_definition_review,
    record_final_review,
    record_results_review,
)
from agent.tools.testing import fresh_test, test_batch, test_batch_first_tokens
from agent.tools.tool import Tool
from agent.tools.vetting import check_scenarios, measure_baseline, name_failures, vet_batch

ALL: tuple[Tool[Any, Any], ...] = (
    define,
    prepare_definition_review,
    record_definition_review,
    draft_batch,
    lint_batch,
    predict_batch,
    prepare_batch_review,
    record_batch_review,
    test_batch,
    test_batch_first_tokens,
    analyse_batch,
    prepare_results_review,
    record_results_review,
    cut_batch,
    decide,
    fresh_test,
    write_steering_questions,
    prepare_final_review,
    record_final_review,
    write_dataset,
    extract_dataset,
    steer_dataset,
    conclude_run,
    vet_batch,
    name_failures,
    check_scenarios,
    measure_baseline,
)
"""In the order of the method; last those that only a vetting needs."""

TOOLS: dict[str, Tool[Any, Any]] = {tool.name: tool for tool in ALL}
"""All tools by name."""
