"""A steering report as a page of its own."""

from agent.report.steering import SteeringView
from agent.report.templates import fill
from steer.report import SteeringReport


def render_steering(report: SteeringReport) -> str:
    """The page as HTML: heat map, dose-response, the effect beside its controls, side effects, answers side by side."""
    name = report.trait.rpartition("/")[2] or "steering"
    passed = report.beyond_control and report.coherent and report.baseline.passed
    return fill("steering_page.html", name=name, report=report, steering=SteeringView(report), passed=passed)
