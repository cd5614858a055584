"""How AWS is made to end sessions: what an end asks for (`asking`), and the errand that sees to it (`obeying`).

Owns which sessions an end covers, and until when its people get no new ones. Leaves to others who ends and why
(`ending`), what a policy says (`aws/revocations`), and how IAM is called (`aws/revoker`).
"""
