"""Can this data be trusted: one table of findings with evidence, and one page to look at and listen to.

audit_project        the job: read, measure, embed, ask, write
findings             what a finding is, the rules of severity, the table
checks               every check on the material of a project
material             examples of a version, read without the strictness of a run
clip_measures        what is measured of every clip, in processes, kept
predictions          heads out of fold and neighbours, kept
label_errors, inconsistent_labels, annotators, duplicates, group_leaks, outliers, class_balance, ambiguity, shortcuts,
audio_faults, missing_values, collection_drift, domain_coverage       one kind of finding each, on arrays and tables
summary, page        what the report of a proof reads; what a person opens
guide                the annotation guide, written from the task and the audit
consistency          do people label alike, before and after a change of the guide
"""

from __future__ import annotations

from yori.audit.annotators import Answers
from yori.audit.audit_project import Audited, audit, latest_audit, read_answers, read_audit
from yori.audit.findings import KINDS, SEVERITIES, Finding, findings_table, read_findings

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Answers",
    "Audited",
    "Finding",
    "audit",
    "findings_table",
    "latest_audit",
    "read_answers",
    "read_audit",
    "read_findings",
]
