<?php
// The service provider. It signs no AuthnRequest, as it comes.
$config = [
    'company' => [
        'saml:SP',
        'entityID' => getenv('BENCH_ENTITY_ID'),
        'idp' => getenv('BENCH_IDP'),
        'NameIDPolicy' => false,
    ],
];
