provider "aws" {
  region = "us-east-1"
  allowed_account_ids = ["222233334444"]
}

resource "aws_iam_openid_connect_provider" "bridge" {
  url = "https://bridge.example.com"
  client_id_list = ["sts.amazonaws.com"]
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
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::222233334444:oidc-provider/bridge.example.com\"},\"Action\":[\"sts:AssumeRoleWithWebIdentity\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"bridge.example.com:aud\":\"sts.amazonaws.com\",\"bridge.example.com:sub\":\"222233334444/federation-bridge-revoker/federation-bridge-revoker\"}}}]}"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
}

resource "aws_iam_role_policy" "revoker" {
  name = "version-the-revocation-policy"
  role = aws_iam_role.revoker.name
  policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[\"iam:CreatePolicyVersion\",\"iam:DeletePolicyVersion\",\"iam:GetPolicy\",\"iam:GetPolicyVersion\",\"iam:ListEntitiesForPolicy\",\"iam:ListPolicyVersions\"],\"Resource\":\"arn:aws:iam::222233334444:policy/federation-bridge-revocations\"}]}"
}

resource "aws_iam_role" "role_Admin_c1c224b0" {
  name = "Admin"
  path = "/"
  max_session_duration = 14400
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::222233334444:oidc-provider/bridge.example.com\"},\"Action\":[\"sts:AssumeRoleWithWebIdentity\",\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"bridge.example.com:aud\":\"sts.amazonaws.com\"},\"StringLike\":{\"bridge.example.com:sub\":\"222233334444/Admin/*\"}}}]}"
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
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::222233334444:oidc-provider/bridge.example.com\"},\"Action\":[\"sts:AssumeRoleWithWebIdentity\",\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"bridge.example.com:aud\":\"sts.amazonaws.com\"},\"StringLike\":{\"bridge.example.com:sub\":\"222233334444/Audit/*\"}}}]}"
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

resource "aws_iam_role" "role_Pinned_f20c8794" {
  name = "Pinned"
  path = "/people/"
  max_session_duration = 43200
  assume_role_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::222233334444:oidc-provider/bridge.example.com\"},\"Action\":[\"sts:AssumeRoleWithWebIdentity\"],\"Condition\":{\"StringEquals\":{\"bridge.example.com:aud\":\"sts.amazonaws.com\",\"bridge.example.com:sub\":\"222233334444/Pinned/$${sts:RoleSessionName}\"}}},{\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::222233334444:oidc-provider/bridge.example.com\"},\"Action\":[\"sts:TagSession\",\"sts:SetSourceIdentity\"],\"Condition\":{\"StringEquals\":{\"bridge.example.com:aud\":\"sts.amazonaws.com\"},\"StringLike\":{\"bridge.example.com:sub\":\"222233334444/Pinned/*\"}}}]}"
  tags = {
    "Team" = "a b"
    "managed-by" = "federation-bridge"
  }
  permissions_boundary = aws_iam_policy.revocations.arn
}
