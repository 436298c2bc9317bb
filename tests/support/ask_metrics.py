"""Run in a project's folder: answer each query of standard input, a JSON list of [metrics, group by], as JSON."""

import json
import sys

from dbt_metricflow.cli.cli_configuration import CLIConfiguration
from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

configuration = CLIConfiguration()
configuration.setup(configure_file_logging=False)
answers = []
for metrics, group_by in json.load(sys.stdin):
    found = configuration.mf.query(
        MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=group_by)
    ).result_df
    names = [description.column_name for description in found.column_descriptions]
    answers.append([dict(zip(names, row, strict=True)) for row in found.rows])
print("ANSWERS" + json.dumps(answers, default=str))
