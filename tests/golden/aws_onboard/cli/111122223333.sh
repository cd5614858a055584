#!/bin/sh
# Federation bridge: provider and roles of account 111122223333. Stops at the first refusal.
set -eu
[ "$(aws sts get-caller-identity --query Account --output text)" = 111122223333 ] ||
  { echo 'these credentials are not those of account 111122223333' >&2; exit 1; }
aws iam create-saml-provider --name=Ours '--saml-metadata-document=<?xml version="1.0"?>
<md:EntityDescriptor entityID="the bridge'"'"'s ${own}"/>
' '--tags=[{"Key":"Team","Value":"a b"},{"Key":"managed-by","Value":"federation-bridge"}]'
aws iam create-role --role-name=Admin --path=/ --max-session-duration=14400 '--assume-role-policy-document={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/Ours"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"saml:aud":"https://signin.aws.amazon.com/saml","saml:iss":"https://bridge.example.com/saml/metadata","saml:sub_type":"persistent"}}}]}' '--tags=[{"Key":"Team","Value":"a b"},{"Key":"managed-by","Value":"federation-bridge"}]'
aws iam create-role --role-name=Audit --path=/people/ --max-session-duration=43200 '--assume-role-policy-document={"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/Ours"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession","sts:SetSourceIdentity"],"Condition":{"StringEquals":{"saml:aud":"https://signin.aws.amazon.com/saml","saml:iss":"https://bridge.example.com/saml/metadata","saml:sub_type":"persistent"}}}]}' '--tags=[{"Key":"Team","Value":"a b"},{"Key":"managed-by","Value":"federation-bridge"}]'
aws iam attach-role-policy --role-name=Audit --policy-arn=arn:aws:iam::aws:policy/ReadOnlyAccess
