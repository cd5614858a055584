"""A local AWS that refuses what AWS refuses.

Owns STS, as much of IAM, S3 and CloudTrail as a federation needs, and the sign-in and console pages, behind one
address. It is written from AWS's published behaviour and shares no verifying code with the product, so that each
proves the other. It stores nothing anywhere but in memory and, if asked, in one file; it never talks to AWS.
"""
