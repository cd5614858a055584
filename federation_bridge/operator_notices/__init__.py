"""What an operator has to do is told by mail and by webhook, beside the requests, until each place has it (ADR 64).

`kinds` says what each kind is and what is to be done; `standing` looks for what lasts; `delivery` sees to it that each
place is told; `message` is what is sent, `mail` and `webhook` send it.
"""
