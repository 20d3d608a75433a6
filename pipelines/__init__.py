"""The DAGs that the components are wired into: one folder per DAG."""
