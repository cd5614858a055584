provider "aws" {
  region = "us-east-1"
  allowed_account_ids = ["111122223333"]
}

resource "aws_iam_saml_provider" "bridge" {
  name = "Ours"
  saml_metadata_document = "<?xml version=\"1.0\"?>\n<md:EntityDescriptor entityID=\"the bridge's $${own}\"/>\n"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
}

resource "aws_iam_policy" "revocations" {
  name = "federation-bridge-revocations"
  policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}"
  lifecycle {
    ignore_changes = [policy]
  }
}

resource "aws_iam_role" "revoker" {
  name = "federation-bridge-revoker"
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::111122223333:saml-provider/Ours\"},\"Action\":[\"sts:AssumeRoleWithSAML\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"saml:aud\":\"https://signin.aws.amazon.com/saml\",\"saml:iss\":\"https://bridge.example.com/saml/metadata\",\"saml:sub_type\":\"persistent\",\"saml:sub\":\"federation-bridge-revoker\"}}}]}"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
}

resource "aws_iam_role_policy" "revoker" {
  name = "version-the-revocation-policy"
  role = aws_iam_role.revoker.name
  policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iam:CreatePolicyVersion\",\"iam:DeletePolicyVersion\",\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:ListEntitiesForPolicy\",\"iam:ListPolicyVersions\"],\"Resource\":\"arn:aws:iam::111122223333:policy/federation-bridge-revocations\"}]}"
}

resource "aws_iam_role" "role_Admin_c1c224b0" {
  name = "Admin"
  path = "/"
  max_session_duration = 14400
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::111122223333:saml-provider/Ours\"},\"Action\":[\"sts:AssumeRoleWithSAML\",\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"saml:aud\":\"https://signin.aws.amazon.com/saml\",\"saml:iss\":\"https://bridge.example.com/saml/metadata\",\"saml:sub_type\":\"persistent\"}}}]}"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
  permissions_boundary = aws_iam_policy.revocations.arn
}

resource "aws_iam_role" "role_Audit_bb6aea28" {
  name = "Audit"
  path = "/people/"
  max_session_duration = 43200
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::111122223333:saml-provider/Ours\"},\"Action\":[\"sts:AssumeRoleWithSAML\",\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"saml:aud\":\"https://signin.aws.amazon.com/saml\",\"saml:iss\":\"https://bridge.example.com/saml/metadata\",\"saml:sub_type\":\"persistent\"}}}]}"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
  permissions_boundary = aws_iam_policy.revocations.arn
}

resource "aws_iam_role_policy_attachment" "role_Audit_bb6aea28_0" {
  role       = aws_iam_role.role_Audit_bb6aea28.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
