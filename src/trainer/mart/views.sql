-- The tables of the TidyMart specification, as views over the facts: the same text on DuckDB and on PostgreSQL.
-- {facts} is the schema of the facts. tidymart.num(text) is a number, or NULL where the text is none;
-- tidymart.metrics(…) is a JSON object. What the six modules are here is told in docs/explanation/mart.md.

CREATE OR REPLACE VIEW tidymart.executions AS
SELECT s.execution_id, s.module, s.operation, s.actor AS user_id, s.department, s.started_at AS start_time,
    e.ended_at AS end_time, CAST(e.seconds * 1000 AS BIGINT) AS total_duration_ms,
    coalesce(tidymart.num(e.results ->> 'success_rate'), CASE WHEN e.status = 'success' THEN 1 WHEN e.status IS NOT NULL THEN 0 END) AS success_rate,
    e.cost AS cost_usd, s.context AS input_context, e.results AS final_results, e.results -> 'metadata' AS metadata,
    s.started_at AS created_at
FROM {facts}.execution_starts s LEFT JOIN {facts}.execution_ends e ON s.execution_id = e.execution_id;

CREATE OR REPLACE VIEW tidymart.module_performance AS
SELECT execution_id AS id, execution_id, module, operation, config AS configuration,
    tidymart.metrics(seconds, cost, quality, success) AS performance_metrics, quality AS quality_score,
    quality / (1 + coalesce(cost, 0)) AS cost_efficiency_score, ended_at AS recorded_at
FROM {facts}.trials;

-- One row for each thing done, under the module it belongs to: executions of pipelines and of our own commands, steps of both.
CREATE OR REPLACE VIEW tidymart.facts AS
SELECT s.execution_id, s.operation, s.actor, s.department, s.started_at, e.seconds, e.status, e.tokens_in, e.tokens_out,
    e.cost, coalesce((SELECT avg(r.score) FROM {facts}.ratings r WHERE r.execution_id = s.execution_id), e.quality) AS quality,
    s.context, e.results AS facts,
    CASE WHEN s.module <> 'trainer' THEN s.module
        WHEN s.parent_id IS NULL THEN 'sparse'
        WHEN s.operation = 'report' THEN 'heiros' ELSE 'trainer' END AS module
FROM {facts}.execution_starts s JOIN {facts}.execution_ends e ON s.execution_id = e.execution_id
UNION ALL
SELECT s.execution_id, s.operation, s.actor, s.department, s.started_at, e.seconds, e.status, e.tokens_in, e.tokens_out,
    e.cost, coalesce((SELECT avg(r.score) FROM {facts}.ratings r WHERE r.execution_id = s.execution_id), e.quality),
    s.context, e.results, CASE WHEN s.operation = 'run' THEN 'gateway' ELSE 'documents' END
FROM {facts}.execution_starts s JOIN {facts}.execution_ends e ON s.execution_id = e.execution_id
WHERE s.module = 'trainer' AND s.operation IN ('run', 'convert')
UNION ALL
SELECT p.execution_id, p.name, s.actor, s.department, p.ended_at, p.seconds, p.status, p.tokens_in, p.tokens_out, p.cost,
    coalesce(p.quality, e.quality), s.context, p.attributes,
    coalesce(p.attributes ->> 'module', CASE WHEN p.name IN ('complete', 'repair', 'opinion') THEN 'gateway'
        WHEN p.name = 'file' THEN 'documents' WHEN p.name = 'screen' THEN 'tlm' ELSE 'step' END)
FROM {facts}.steps p JOIN {facts}.execution_starts s ON p.execution_id = s.execution_id
LEFT JOIN {facts}.execution_ends e ON p.execution_id = e.execution_id;

CREATE OR REPLACE VIEW tidymart.document_configs AS
SELECT document_type, avg(file_size_mb) AS file_size_mb, extraction_method AS optimal_extraction_method,
    min(confidence) AS confidence_threshold, 2 * max(milliseconds) AS processing_timeout, avg(success) AS success_rate,
    avg(milliseconds) AS avg_processing_time, count(*) AS executions
FROM (
    SELECT coalesce(facts ->> 'document_type', context ->> 'document_type', context ->> 'target', 'any') AS document_type,
        coalesce(facts ->> 'extraction_method', operation) AS extraction_method,
        coalesce(tidymart.num(facts ->> 'file_size_mb'), tidymart.num(context ->> 'file_size_mb'), 0) AS file_size_mb,
        tidymart.num(facts ->> 'extraction_confidence') AS confidence, seconds * 1000 AS milliseconds,
        CASE WHEN status = 'success' THEN 1.0 ELSE 0.0 END AS success
    FROM tidymart.facts WHERE module = 'documents'
) documents
GROUP BY document_type, extraction_method, floor(ln(file_size_mb + 0.001) / ln(2));

CREATE OR REPLACE VIEW tidymart.extraction_patterns AS
SELECT coalesce(facts ->> 'document_type', context ->> 'document_type') AS document_type, facts ->> 'pattern_regex' AS pattern_regex,
    facts ->> 'field_name' AS field_name, avg(tidymart.num(facts ->> 'extraction_confidence')) AS confidence_score,
    avg(CASE WHEN status = 'success' THEN 1.0 ELSE 0.0 END) AS success_rate, count(*) AS usage_count
FROM tidymart.facts WHERE module = 'documents' AND (facts ->> 'pattern_regex') IS NOT NULL GROUP BY 1, 2, 3;

CREATE OR REPLACE VIEW tidymart.embedding_performance AS
SELECT coalesce(facts ->> 'embedding_method', operation) AS embedding_method, min(CAST(facts -> 'parameters' AS VARCHAR)) AS parameters,
    coalesce(facts ->> 'text_type', context ->> 'text_type', 'document') AS text_type,
    avg(tidymart.num(facts ->> 'text_length')) AS text_length, avg(tidymart.num(facts ->> 'similarity')) AS avg_similarity_score,
    avg(coalesce(quality, tidymart.num(facts ->> 'downstream_accuracy'))) AS quality_score, avg(seconds) * 1000 AS processing_time_ms
FROM tidymart.facts WHERE module = 'sentence'
GROUP BY 1, 3, floor(ln(coalesce(tidymart.num(facts ->> 'text_length'), 0) + 1) / ln(2));

CREATE OR REPLACE VIEW tidymart.embedding_cache AS
SELECT facts ->> 'text_hash' AS text_hash, facts ->> 'embedding_method' AS embedding_method,
    max(facts ->> 'embedding_vector') AS embedding_vector
FROM tidymart.facts WHERE module = 'sentence' AND (facts ->> 'embedding_vector') IS NOT NULL GROUP BY 1, 2;

CREATE OR REPLACE VIEW tidymart.ml_algorithm_performance AS
SELECT coalesce(facts ->> 'algorithm', operation) AS algorithm, min(facts ->> 'hyperparameters') AS hyperparameters,
    facts ->> 'data_shape' AS data_shape, coalesce(facts ->> 'problem_type', 'classification') AS problem_type,
    avg(coalesce(tidymart.num(facts ->> 'final_accuracy'), quality)) AS avg_accuracy, avg(seconds) * 1000 AS avg_runtime_ms,
    avg(coalesce(tidymart.num(facts ->> 'final_accuracy'), quality)) AS accuracy, avg(seconds) * 1000 AS runtime_ms
FROM tidymart.facts WHERE module = 'tlm' GROUP BY 1, 3, 4;

CREATE OR REPLACE VIEW tidymart.convergence_patterns AS
SELECT coalesce(facts ->> 'algorithm', operation) AS algorithm,
    coalesce(facts ->> 'data_characteristics', facts ->> 'data_shape') AS data_characteristics,
    avg(tidymart.num(facts ->> 'iterations_to_convergence')) AS estimated_iterations
FROM tidymart.facts WHERE module = 'tlm' AND (facts ->> 'iterations_to_convergence') IS NOT NULL GROUP BY 1, 2;

-- A cost of 0 is no cost to divide by: PostgreSQL would refuse the quotient.
CREATE OR REPLACE VIEW tidymart.llm_performance AS
SELECT facts ->> 'model' AS model_name, facts ->> 'provider' AS provider,
    coalesce(context ->> 'use_case', context ->> 'report', context ->> 'instruction') AS use_case, department,
    avg(quality) AS avg_quality, avg(cost) AS avg_cost, avg(seconds) * 1000 AS avg_latency, avg(quality) AS quality_score,
    nullif(avg(cost), 0) AS cost_usd, count(*) AS calls
FROM tidymart.facts WHERE module = 'gateway' AND (facts ->> 'model') IS NOT NULL GROUP BY 1, 2, 3, 4;

CREATE OR REPLACE VIEW tidymart.spend_tracking AS
SELECT s.department, s.time_period, s.current_spend, l.usd - s.current_spend AS budget_remaining,
    s.current_spend / nullif(l.usd, 0) AS quota_usage
FROM (
    SELECT department, 'current_month' AS time_period, sum(coalesce(cost, 0)) AS current_spend
    FROM tidymart.facts WHERE module = 'gateway' AND started_at >= date_trunc('month', tidymart.utc()) GROUP BY department
    UNION ALL
    SELECT department, 'current_day', sum(coalesce(cost, 0))
    FROM tidymart.facts WHERE module = 'gateway' AND started_at >= date_trunc('day', tidymart.utc()) GROUP BY department
    UNION ALL
    SELECT department, 'ever', sum(coalesce(cost, 0)) FROM tidymart.facts WHERE module = 'gateway' GROUP BY department
) s LEFT JOIN {facts}.spend_limits l ON l.department = s.department AND l.time_period = s.time_period;

CREATE OR REPLACE VIEW tidymart.workflow_performance AS
SELECT coalesce(facts ->> 'workflow_name', context ->> 'workflow_name', operation) AS workflow_type,
    coalesce(context ->> 'report', facts ->> 'input_characteristics', 'any') AS input_characteristics,
    max(context ->> 'config') AS workflow_config, avg(CASE WHEN status = 'success' THEN 1.0 ELSE 0.0 END) AS avg_success_rate,
    avg(cost) AS avg_cost, avg(seconds) * 1000 AS avg_duration, avg(CASE WHEN status = 'success' THEN 1.0 ELSE 0.0 END) AS success_rate,
    avg(cost) AS cost_usd, count(*) AS executions
FROM tidymart.facts WHERE module = 'heiros' GROUP BY 1, 2;

CREATE OR REPLACE VIEW tidymart.workflow_steps AS
SELECT s.execution_id, coalesce(s.context ->> 'workflow_name', s.context ->> 'report', s.operation) AS workflow_id,
    s.module, s.operation, s.started_at, e.seconds, e.status, e.cost, e.error_class, array_agg(p.name ORDER BY p.seq) AS module_sequence,
    string_agg(p.name, ' > ' ORDER BY p.seq) AS path,
    string_agg(CASE WHEN p.status <> 'success' THEN p.name END, ', ' ORDER BY p.seq) AS failed
FROM {facts}.execution_starts s JOIN {facts}.execution_ends e ON s.execution_id = e.execution_id
JOIN {facts}.steps p ON p.execution_id = s.execution_id
GROUP BY s.execution_id, 2, s.module, s.operation, s.started_at, e.seconds, e.status, e.cost, e.error_class;

CREATE OR REPLACE VIEW tidymart.decision_tree_analysis AS
SELECT workflow_id, string_agg(DISTINCT coalesce(error_class, 'none'), ', ') AS node_conditions,
    string_agg(DISTINCT CASE WHEN status = 'success' AND failed IS NULL THEN path END, '; ') AS success_paths,
    string_agg(DISTINCT coalesce(failed, CASE WHEN status <> 'success' THEN path END), '; ') AS failure_patterns
FROM tidymart.workflow_steps GROUP BY workflow_id;

CREATE OR REPLACE VIEW tidymart.workflow_patterns AS
SELECT md5(concat(operation, ':', path)) AS pattern_id, operation AS workflow_name, min(module_sequence) AS module_sequence,
    tidymart.nothing() AS input_characteristics, avg(CASE WHEN status = 'success' AND failed IS NULL THEN 1.0 ELSE 0.0 END) AS success_rate,
    avg(seconds) * 1000 AS avg_duration_ms, avg(cost) AS avg_cost_usd, count(*) AS usage_frequency, max(started_at) AS last_used,
    CASE WHEN max(failed) IS NOT NULL THEN concat('fails at ', max(failed)) END AS optimization_notes
FROM tidymart.workflow_steps GROUP BY operation, path;

-- use_case_similarity: how alike the uses of a command are, as the share of its most frequent subject in a role.
CREATE OR REPLACE VIEW tidymart.sparse_command_performance AS
SELECT command_name, user_role, max(strategy) AS optimal_strategy, sum(uses * success) / sum(uses) AS success_rate,
    sum(uses * satisfaction) / nullif(sum(CASE WHEN satisfaction IS NOT NULL THEN uses ELSE 0 END), 0) AS user_satisfaction,
    CAST(max(uses) AS DOUBLE PRECISION) / sum(uses) AS use_case_similarity, sum(uses) AS executions
FROM (
    SELECT coalesce(facts ->> 'command_name', context ->> 'command_name', operation) AS command_name,
        coalesce(facts ->> 'user_role', context ->> 'user_role', department, 'any') AS user_role,
        coalesce(context ->> 'report', context ->> 'instruction', context ->> 'source', context ->> 'target', 'any') AS subject,
        max(context ->> 'config') AS strategy, count(*) AS uses,
        avg(CASE WHEN status = 'success' THEN 1.0 ELSE 0.0 END) AS success,
        avg(coalesce(tidymart.num(facts ->> 'user_satisfaction_score'), quality)) AS satisfaction
    FROM tidymart.facts WHERE module = 'sparse' GROUP BY 1, 2, 3
) commands GROUP BY command_name, user_role;

CREATE OR REPLACE VIEW tidymart.commands AS
SELECT execution_id, actor, operation FROM {facts}.execution_starts WHERE module = 'trainer' AND parent_id IS NULL;

-- user_patterns: the two commands before; current_user_pattern: the two last commands of whoever was last here.
CREATE OR REPLACE VIEW tidymart.workflow_pattern_analysis AS
SELECT suggested_command, user_patterns, concat(user_patterns, ' ', suggested_command) AS workflow_pattern, count(*) AS frequency,
    max(current_user_pattern) AS current_user_pattern
FROM (
    SELECT operation AS suggested_command,
        concat(lag(operation, 2) OVER person, ' ', lag(operation, 1) OVER person) AS user_patterns,
        (SELECT string_agg(operation, ' ' ORDER BY execution_id) FROM (
            SELECT operation, execution_id FROM tidymart.commands WHERE coalesce(actor, '') = (
                SELECT coalesce(actor, '') FROM tidymart.commands ORDER BY execution_id DESC LIMIT 1)
            ORDER BY execution_id DESC LIMIT 2) last_two) AS current_user_pattern
    FROM tidymart.commands
    WINDOW person AS (PARTITION BY actor ORDER BY execution_id)
) sequences WHERE user_patterns NOT LIKE ' %' AND user_patterns NOT LIKE '% ' GROUP BY suggested_command, user_patterns
