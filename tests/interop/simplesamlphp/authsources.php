<?php
// One person, with the password that the test made.
$config = [
    'people' => [
        'exampleauth:UserPass',
        'ada:' . getenv('PROVIDER_PASSWORD') => [
            'uid' => ['p-1001'],
            'groups' => ['platform-admins', 'everyone'],
            'department' => ['Platform'],
            'displayName' => ['Ada Moss'],
        ],
    ],
];
