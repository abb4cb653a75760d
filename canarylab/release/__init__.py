"""What a person does with a release: apply, roll out, scale, promote, roll back.

Everything goes through the official `kubernetes` client and so works on every cluster.
"""
