<?php
// The identity provider, whose assertions are signed.
$metadata[getenv('BENCH_IDP')] = [
    'SingleSignOnService' => 'https://idp.example.test/sso',
    'certData' => getenv('BENCH_CERTIFICATE'),
];
