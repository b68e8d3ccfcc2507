"""IAM as far as a first function needs it: roles with their trust, inline policies, managed policies and attachments.

It keeps and checks documents, and decides who may assume a role, with the evaluator of `core.policies`. It does not
yet decide what a caller may do: the evaluation of identity policies is the gateway's authorisation step, which is
another issue. Users, groups, instance profiles and policy versions beyond the first answer NotImplemented.
"""
